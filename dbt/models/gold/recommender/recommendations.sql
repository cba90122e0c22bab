{{ config(tags=['duckdb_only']) }}

with

lists as (
    select lists.*
    from {{ ref('int_rec_lists') }} as lists
    inner join {{ ref('int_rec_models') }} as models on lists.kind = models.kind and lists.model = models.model
    where lists.case_id = 0
),

rested as (
    select * from {{ ref('int_rec_rested') }}
    where case_id = 0
),

together as (
    select * from {{ ref('int_rec_together') }}
    where case_id = 0
),

unheard as (
    select
        model,
        track_id,
        max(genre) as genre
    from {{ ref('int_rec_unheard') }}
    where case_id = 0
    group by model, track_id
),

albums as (
    select
        album_id,
        count(*) as heard
    from {{ ref('listened_tracks') }}
    where album_id is not null
    group by album_id
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

dim_artists as (
    select * from {{ ref('dim_artists') }}
),

dim_albums as (
    select * from {{ ref('dim_albums') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
),

month_ago as (
    select max(played_on) - 27 as from_on
    from {{ ref('daily_listening') }}
),

artist_months as (
    select
        daily.artist_key,
        {{ gold_sum('daily.plays') }} as plays
    from {{ ref('daily_artists') }} as daily
    cross join month_ago
    where daily.played_on >= month_ago.from_on
    group by daily.artist_key
),

-- what of an artist was finished most stands for why more of the artist is offered
loved_songs as (
    select
        artist_key,
        track_name,
        finishes,
        row_number() over (partition by artist_key order by finishes desc, plays desc, recording_id asc) as place
    from names
),

told as (
    select
        lists.*,
        tracks.track_name,
        tracks.artist_id,
        coalesce(names.artist_name, dim_artists.artist_name, 'this artist') as artist_name,
        rested.plays,
        rested.finishes,
        strftime(
            case when rested.finishes >= 2 then rested.last_finished_on else rested.last_played_on end, '%B %Y'
        ) as last_month,
        artist_months.plays as artist_plays,
        case
            when together.seed_times >= 3 and lower(seeds.track_name) <> lower(tracks.track_name) then seeds.track_name
        end as seed_name,
        together.seed_times,
        loved_songs.track_name as loved_name,
        loved_songs.finishes as loved_finishes,
        dim_albums.album_name,
        dim_albums.total_tracks,
        case
            when dim_albums.release_precision in ('month', 'day') then strftime(dim_albums.released_on, '%B %Y')
            else strftime(dim_albums.released_on, '%Y')
        end as released_in,
        albums.heard as album_heard,
        unheard.genre,
        tracks.popularity
    from lists
    inner join tracks on lists.track_id = tracks.track_id
    left join names on lists.kind = 'rediscover' and lists.recording_id = names.recording_id
    left join dim_artists on tracks.artist_id = dim_artists.artist_id
    left join rested on lists.kind = 'rediscover' and lists.recording_id = rested.recording_id
    left join together on lists.kind = 'rediscover' and lists.recording_id = together.recording_id
    left join names as seeds on together.seed_id = seeds.recording_id
    left join artist_months on tracks.artist_id = artist_months.artist_key
    left join loved_songs on tracks.artist_id = loved_songs.artist_key and loved_songs.place = 1
    left join dim_albums on tracks.album_id = dim_albums.album_id
    left join albums on tracks.album_id = albums.album_id
    left join unheard on lists.kind = 'discover' and lists.model = unheard.model and lists.track_id = unheard.track_id
),

reasoned as (
    select
        *,
        case
            when finishes >= 2 then 'You finished it ' || finishes || ' times'
            else 'You played it ' || plays || ' times'
        end || ', last in ' || last_month as habit,
        case
            when loved_finishes >= 2 then 'Because you finished “' || loved_name || '” ' || loved_finishes || ' times'
            when loved_name is not null then 'Because you know “' || loved_name || '”'
        end as bond
    from told
),

worded as (
    select
        *,
        case
            when model = 'popularity' and kind = 'discover' then 'Popular on Spotify: ' || popularity || ' of 100'
            when model = 'recency' and kind = 'discover' then 'New: released in ' || released_in
            when kind = 'rediscover' and model = 'ours' and artist_plays >= 5
                then habit || '; ' || artist_plays || ' plays of ' || artist_name || ' in the last four weeks'
            when kind = 'rediscover' and model = 'ours' and seed_name is not null
                then
                    habit || '; ' || seed_times || ' times in one session with “' || seed_name
                    || '”, which you play now'
            when kind = 'rediscover' then habit
            when album_heard >= 2 and bond is not null
                then
                    bond || ': from “' || album_name || '”, of which you heard ' || album_heard
                    || coalesce(' of ' || total_tracks, '') || ' tracks'
            when bond is not null then bond || ': also by ' || artist_name
            else 'Because you like ' || genre || ': ' || artist_name || ' is popular there'
        end as words
    from reasoned
),

-- a title may hold line breaks, a reason is one line; one that needs what no source tells gives way to a shorter one
final as (
    select
        track_id,
        kind,
        place as rank,
        score,
        regexp_replace(coalesce(words, habit, bond, 'You never played it'), '\s+', ' ', 'g') as reason,
        model,
        recording_id,
        track_name,
        artist_id,
        artist_name
    from worded
)

select * from final
