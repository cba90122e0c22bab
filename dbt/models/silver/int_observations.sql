{{ config(materialized='table') }}

with feed_rows as (
    select * from {{ ref('int_feed_rows') }}
),

tracks as (
    select track_id, isrc, duration_ms from {{ ref('int_tracks') }}
),

track_keys as (
    select * from {{ ref('int_track_keys') }}
),

name_keys as (
    select * from {{ ref('int_name_keys') }}
),

songs as (
    select * from {{ ref('int_songs_by_name') }}
),

isrc_tracks as (
    select isrc, min(track_id) as track_id from tracks where isrc is not null group by isrc
),

-- the same row in two exports is one observation; the same row twice in one export is two, if a listener can do that
occurrences as (
    select
        *,
        row_number() over (partition by source, natural_key, content, file_id order by row_number) as occurrence
    from feed_rows
),

first_files as (
    select
        *,
        row_number() over (partition by source, natural_key, content, occurrence order by file_id) as place_of_file
    from occurrences
),

identified as (
    select
        *,
        coalesce(file_id || ':' || cast(row_number as {{ text_type() }}), natural_key) as observation_id,
        {{ md5_key(['source', 'natural_key', 'least(occurrence, most_occurrences)']) }} as observation_key,
        content <> 'rejected' and (place_of_file > 1 or occurrence > most_occurrences) as is_repeat
    from first_files
),

resolved as (
    select
        identified.*,
        coalesce(identified.track_id, isrc_tracks.track_id, songs.track_id) as best_track_id,
        coalesce(name_keys.name_key, '') as name_key
    from identified
    -- a condition on the left side alone would turn the join into a nested loop
    left join isrc_tracks on case when identified.track_id is null then identified.isrc end = isrc_tracks.isrc
    left join name_keys
        on
            case when identified.track_id is null then identified.artist_name end = name_keys.artist_name
            and identified.track_name = name_keys.track_name
    left join songs on name_keys.name_key = songs.name_key
),

final as (
    select
        resolved.observation_id,
        resolved.observation_key,
        resolved.source,
        resolved.file_id,
        resolved.row_number,
        resolved.content,
        resolved.occurrence,
        resolved.is_repeat,
        resolved.is_incognito,
        resolved.track_id,
        resolved.best_track_id,
        resolved.artist_name,
        resolved.track_name,
        resolved.album_name,
        coalesce(track_keys.match_key, nullif(resolved.name_key, ''), resolved.best_track_id) as match_key,
        resolved.started_at,
        resolved.ended_at,
        resolved.ms_played,
        coalesce(tracks.duration_ms, resolved.duration_ms) as duration_ms,
        resolved.is_skipped,
        resolved.platform,
        resolved.reason_start,
        resolved.reason_end
    from resolved
    left join tracks on resolved.best_track_id = tracks.track_id
    left join track_keys on resolved.best_track_id = track_keys.track_id
)

select * from final
