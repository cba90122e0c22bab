{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    What can be discovered on the day of a case: tracks of a recording never streamed before, by artists that are hot,
    or by popular artists of the genres that are. The baselines choose from the whole catalog, each its own best.
#}
{% set hot_artists = 200 %}
{% set genre_artists = 100 %}
{% set genres_liked = 10 %}
{% set tracks_of_an_artist = 40 %}
{% set pool = 3000 %}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

artists as (
    select * from {{ ref('int_rec_artists') }}
),

dim_artists as (
    select * from {{ ref('dim_artists') }}
),

dim_albums as (
    select * from {{ ref('dim_albums') }}
),

first_heard as (
    select * from {{ ref('int_rec_heard') }}
),

closed as (
    select * from {{ ref('int_rec_closed') }}
),

first_cut as (
    select min(cut_on) as cut_on
    from cases
),

-- open at some case at least
open_tracks as (
    select
        tracks.track_id,
        tracks.recording_id,
        tracks.artist_id,
        tracks.album_id,
        coalesce(tracks.popularity, 0) as popularity,
        first_heard.first_on
    from {{ ref('dim_tracks') }} as tracks
    left join first_heard on tracks.recording_id = first_heard.recording_id
    cross join first_cut
    anti join closed as closed_tracks
        on closed_tracks.kind = 'track' and tracks.track_id = closed_tracks.item_id
    anti join closed as closed_albums
        on closed_albums.kind = 'album' and tracks.album_id = closed_albums.item_id
    anti join closed as closed_artists
        on closed_artists.kind = 'artist' and tracks.artist_id = closed_artists.item_id
    where tracks.artist_id is not null and (first_heard.first_on is null or first_heard.first_on >= first_cut.cut_on)
),

-- artists that one skips more than one finishes are not hot, however often they come
warm as (
    select
        case_id,
        artist_key as artist_id,
        heat_14,
        heat_180,
        round(2 * ln(1 + heat_14) + 0.3 * ln(1 + heat_180), 9) as warmth
    from artists
    where heat_180 > 0.05 and skips <= finishes + 2
),

hot as (
    select
        *,
        row_number() over (partition by case_id order by warmth desc, artist_id asc) as place
    from warm
),

artist_genres as (
    select distinct
        unfolded.artist_id,
        unfolded.popularity,
        unfolded.genre
    from (
        select
            artist_id,
            popularity,
            {{ unnest_list('genres') }} as genre
        from dim_artists
    ) as unfolded
    anti join closed on closed.kind = 'artist' and unfolded.artist_id = closed.item_id
    where unfolded.genre is not null and unfolded.genre <> ''
),

genre_heat as (
    select
        warm.case_id,
        artist_genres.genre,
        cast(sum({{ gold_exact('warm.heat_180') }}) as double) as heat
    from warm
    inner join artist_genres on warm.artist_id = artist_genres.artist_id
    group by warm.case_id, artist_genres.genre
),

liked_genres as (
    select
        *,
        row_number() over (partition by case_id order by heat desc, genre asc) as place
    from genre_heat
),

-- a higher case is an earlier day: what is heard at one is heard at all below it
heard_artists as (
    select
        artist_key,
        max(case_id) as first_case
    from artists
    group by artist_key
),

-- strangers at some case at least: never heard, or not yet at an earlier case than their first
unfamiliar as (
    select
        artist_genres.*,
        heard_artists.first_case,
        row_number() over (
            partition by artist_genres.genre, heard_artists.first_case is null
            order by artist_genres.popularity desc nulls last, artist_genres.artist_id asc
        ) as place
    from artist_genres
    left join heard_artists on artist_genres.artist_id = heard_artists.artist_key
    left join cases as earlier on heard_artists.first_case + 1 = earlier.case_id
    where heard_artists.first_case is null or earlier.case_id is not null
),

-- the best known strangers of each genre, then each under the genre that is liked most
strangers as (
    select
        liked_genres.case_id,
        liked_genres.genre,
        liked_genres.heat,
        unfamiliar.artist_id,
        row_number() over (
            partition by liked_genres.case_id, liked_genres.genre
            order by unfamiliar.popularity desc nulls last, unfamiliar.artist_id asc
        ) as place
    from liked_genres
    inner join unfamiliar on liked_genres.genre = unfamiliar.genre
    where
        liked_genres.place <= {{ genres_liked }}
        and (unfamiliar.first_case is not null or unfamiliar.place <= {{ genre_artists // 10 }})
        and (unfamiliar.first_case is null or unfamiliar.first_case < liked_genres.case_id)
),

genre_candidates as (
    select
        case_id,
        artist_id,
        genre,
        heat,
        row_number() over (partition by case_id, artist_id order by heat desc, genre asc) as place
    from strangers
    where place <= {{ genre_artists // 10 }}
),

chosen_artists as (
    select
        case_id,
        artist_id,
        heat_14 as artist_heat,
        heat_180 as artist_heat_180,
        cast(null as varchar) as genre,
        cast(0 as double) as genre_heat
    from hot
    where place <= {{ hot_artists }}
    union all
    select
        case_id,
        artist_id,
        0 as artist_heat,
        0 as artist_heat_180,
        genre,
        heat as genre_heat
    from genre_candidates
    where place = 1
),

known_tracks as (
    select
        *,
        row_number() over (partition by artist_id order by popularity desc, track_id asc) as place
    from open_tracks
    where artist_id in (select chosen_artists.artist_id from chosen_artists)
),

by_artists as (
    select
        chosen_artists.case_id,
        known_tracks.track_id,
        known_tracks.recording_id,
        known_tracks.artist_id,
        known_tracks.album_id,
        known_tracks.popularity,
        chosen_artists.artist_heat,
        chosen_artists.artist_heat_180,
        chosen_artists.genre,
        chosen_artists.genre_heat
    from chosen_artists
    inner join cases on chosen_artists.case_id = cases.case_id
    inner join known_tracks on chosen_artists.artist_id = known_tracks.artist_id
    where
        (known_tracks.first_on is null or known_tracks.first_on >= cases.cut_on)
        and known_tracks.place <= {{ tracks_of_an_artist }}
),

most_popular as (
    select *
    from open_tracks
    order by popularity desc, track_id asc
    limit {{ pool }}
),

newest as (
    select open_tracks.*
    from open_tracks
    inner join dim_albums on open_tracks.album_id = dim_albums.album_id
    where dim_albums.released_on is not null
    order by dim_albums.released_on desc, open_tracks.track_id asc
    limit {{ pool }}
),

drawn as (
    select *
    from open_tracks
    order by {{ gold_shuffle('track_id') }}
    limit {{ pool }}
),

baselines as (
    select
        'popularity' as model,
        *
    from most_popular
    union all
    select
        'recency' as model,
        *
    from newest
    union all
    select
        'random' as model,
        *
    from drawn
),

by_baselines as (
    select
        baselines.model,
        cases.case_id,
        baselines.track_id,
        baselines.recording_id,
        baselines.artist_id,
        baselines.album_id,
        baselines.popularity,
        dim_albums.released_on
    from baselines
    cross join cases
    left join dim_albums on baselines.album_id = dim_albums.album_id
    where baselines.first_on is null or baselines.first_on >= cases.cut_on
),

final as (
    select
        'ours' as model,
        case_id,
        track_id,
        recording_id,
        artist_id,
        album_id,
        popularity,
        artist_heat,
        artist_heat_180,
        genre,
        genre_heat,
        cast(null as date) as released_on
    from by_artists
    union all
    select
        model,
        case_id,
        track_id,
        recording_id,
        artist_id,
        album_id,
        popularity,
        cast(0 as double) as artist_heat,
        cast(0 as double) as artist_heat_180,
        cast(null as varchar) as genre,
        cast(0 as double) as genre_heat,
        released_on
    from by_baselines
)

select * from final
