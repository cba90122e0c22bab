with

streams as (
    select * from {{ ref('int_plays_keyed') }}
),

names as (
    select
        recording_id,
        track_id,
        track_name,
        artist_key,
        artist_id,
        artist_name,
        album_key,
        album_id,
        album_name,
        {{ gold_listened_of_streams() }}
    from streams
    group by
        recording_id, track_id, track_name, artist_key, artist_id, artist_name, album_key, album_id, album_name
),

-- a recording is called as its most played track is called; by-name plays give way to a track with an id
placed as (
    select
        *,
        sum(plays) over (partition by recording_id, track_id) as track_plays,
        sum(ms_played) over (partition by recording_id, track_id) as track_ms_played,
        max(last_played_at) over (partition by recording_id, track_id, track_name, artist_key, album_key) as told_at
    from names
),

ordered as (
    select
        *,
        row_number() over (
            partition by recording_id
            order by
                track_plays desc, track_ms_played desc, track_id asc nulls last, told_at desc nulls last,
                track_name asc nulls last, artist_key asc, album_key asc nulls last,
                artist_name asc nulls last, album_name asc nulls last, artist_id asc nulls last, album_id asc nulls last
        ) as place
    from placed
),

summed as (
    select
        recording_id,
        {{ gold_listened_of_names() }}
    from names
    group by recording_id
),

-- a play that was missed may be of anything, at any time
gaps as (
    select count(*) > 0 as is_minimum
    from {{ ref('int_gap_days') }}
),

final as (
    select
        ordered.recording_id,
        ordered.track_id,
        ordered.track_name,
        ordered.artist_key,
        ordered.artist_id,
        ordered.artist_name,
        ordered.album_key,
        ordered.album_id,
        ordered.album_name,
        summed.plays,
        summed.ms_played,
        summed.streams,
        summed.skips,
        summed.finishes,
        summed.first_played_at,
        summed.last_played_at,
        summed.first_played_on,
        summed.last_played_on,
        gaps.is_minimum
    from ordered
    inner join summed on ordered.recording_id = summed.recording_id
    cross join gaps
    where ordered.place = 1 and summed.plays > 0
)

select * from final
