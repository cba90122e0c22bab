with

streams as (
    select * from {{ ref('int_plays_keyed') }}
    where album_key is not null
),

albums as (
    select * from {{ ref('dim_albums') }}
),

artists as (
    select * from {{ ref('dim_artists') }}
),

heard_artists as (
    select * from {{ ref('listened_artists') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

mergers as (
    {{ mergers('artist') }}
),

names as (
    select
        album_key,
        album_id,
        album_name,
        artist_key,
        {{ gold_listened_of_streams() }}
    from streams
    group by album_key, album_id, album_name, artist_key
),

-- the newest name is the one to show
ordered as (
    select
        *,
        row_number() over (
            partition by album_key
            order by last_played_at desc nulls last, album_id asc nulls last, album_name asc nulls last
        ) as place
    from names
),

-- the album's own artist, whether the listener played a song of theirs or not
first_artists as (
    select
        albums.album_id,
        artists.artist_id,
        artists.artist_name
    from albums
    left join mergers on albums.artist_id = mergers.from_id
    inner join artists on coalesce(mergers.into_id, albums.artist_id) = artists.artist_id
    where artists.artist_name is not null
),

artist_counts as (
    select
        album_key,
        artist_key,
        sum(plays) as plays,
        sum(ms_played) as ms_played
    from names
    group by album_key, artist_key
),

ranked_artists as (
    select
        *,
        row_number() over (partition by album_key order by plays desc, ms_played desc, artist_key asc) as place
    from artist_counts
),

chosen_artists as (
    select
        ranked_artists.album_key,
        coalesce(first_artists.artist_id, ranked_artists.artist_key) as artist_key,
        first_artists.artist_id,
        first_artists.artist_name
    from ranked_artists
    left join first_artists on ranked_artists.album_key = first_artists.album_id
    where ranked_artists.place = 1
),

album_artists as (
    select
        chosen_artists.album_key,
        chosen_artists.artist_key,
        coalesce(chosen_artists.artist_id, heard_artists.artist_id) as artist_id,
        coalesce(heard_artists.artist_name, chosen_artists.artist_name) as artist_name
    from chosen_artists
    left join heard_artists on chosen_artists.artist_key = heard_artists.artist_key
),

track_counts as (
    select
        album_key,
        count(distinct recording_id) as tracks,
        count(distinct played_on) as days
    from streams
    where is_counted
    group by album_key
),

summed as (
    select
        album_key,
        {{ gold_listened_of_names() }}
    from names
    group by album_key
),

-- a play that was missed may be of anything, at any time
gaps as (
    select count(*) > 0 as is_minimum
    from {{ ref('int_gap_days') }}
),

final as (
    select
        ordered.album_key,
        ordered.album_id,
        ordered.album_name,
        album_artists.artist_key,
        album_artists.artist_id,
        album_artists.artist_name,
        summed.plays,
        summed.ms_played,
        track_counts.tracks,
        track_counts.days,
        summed.streams,
        summed.skips,
        summed.finishes,
        summed.first_played_at,
        summed.last_played_at,
        summed.first_played_on,
        summed.last_played_on,
        gaps.is_minimum
    from ordered
    inner join summed on ordered.album_key = summed.album_key
    inner join track_counts on ordered.album_key = track_counts.album_key
    inner join album_artists on ordered.album_key = album_artists.album_key
    cross join gaps
    where ordered.place = 1
)

select * from final
