with

streams as (
    select * from {{ ref('int_plays_keyed') }}
),

names as (
    select
        artist_key,
        artist_id,
        artist_name,
        {{ gold_listened_of_streams() }}
    from streams
    group by artist_key, artist_id, artist_name
),

-- the newest name is the one to show
ordered as (
    select
        *,
        row_number() over (
            partition by artist_key
            order by last_played_at desc nulls last, artist_id asc nulls last, artist_name asc nulls last
        ) as place
    from names
),

track_counts as (
    select
        artist_key,
        count(distinct recording_id) as tracks,
        count(distinct played_on) as days
    from streams
    where is_counted
    group by artist_key
),

summed as (
    select
        artist_key,
        {{ gold_listened_of_names() }}
    from names
    group by artist_key
),

-- a play that was missed may be of anything, at any time
gaps as (
    select count(*) > 0 as is_minimum
    from {{ ref('int_gap_days') }}
),

final as (
    select
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
    inner join summed on ordered.artist_key = summed.artist_key
    inner join track_counts on ordered.artist_key = track_counts.artist_key
    cross join gaps
    where ordered.place = 1
)

select * from final
