with

streams as (
    select * from {{ ref('int_plays_keyed') }}
    where album_key is not null
),

names as (
    select
        album_key,
        album_id,
        album_name,
        artist_key,
        artist_id,
        artist_name,
        {{ gold_listened_of_streams() }}
    from streams
    group by album_key, album_id, album_name, artist_key, artist_id, artist_name
),

-- the newest name is the one to show
ordered as (
    select
        *,
        row_number() over (
            partition by album_key
            order by
                last_played_at desc nulls last, album_id asc nulls last, album_name asc nulls last,
                artist_key asc nulls last, artist_id asc nulls last, artist_name asc nulls last
        ) as place
    from names
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
        ordered.artist_key,
        ordered.artist_id,
        ordered.artist_name,
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
    cross join gaps
    where ordered.place = 1
)

select * from final
