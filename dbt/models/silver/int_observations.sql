-- depends_on: {{ ref('int_settled') }}
{{ config(materialized='tail', meta={'at': 'coalesce(ended_at, started_at)'}) }}

with feed_rows as (
    select * from {{ ref('int_feed_rows') }}
    where {{ is_open('coalesce(ended_at, started_at)') }}
),

tracks as (
    select
        track_id,
        isrc,
        duration_ms
    from {{ ref('int_tracks') }}
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
    select
        isrc,
        min(track_id) as track_id
    from tracks
    where isrc is not null
    group by isrc
),

-- most rows are told once: only the others are numbered
told_again as (
    select
        source,
        natural_key,
        content
    from feed_rows
    where file_id is not null
    group by source, natural_key, content
    having count(*) > 1
),

again as (
    select
        feed_rows.source,
        feed_rows.natural_key,
        feed_rows.content,
        feed_rows.file_id,
        feed_rows.row_number
    from feed_rows
    inner join told_again
        on
            feed_rows.natural_key = told_again.natural_key
            and feed_rows.source = told_again.source
            and feed_rows.content = told_again.content
),

-- the same row in two exports is one observation; the same row twice in one export is two, if a listener can do that
occurrences as (
    select
        *,
        row_number() over (partition by source, natural_key, content, file_id order by row_number) as occurrence
    from again
),

first_files as (
    select
        file_id,
        row_number,
        occurrence,
        row_number() over (partition by source, natural_key, content, occurrence order by file_id) as place_of_file
    from occurrences
),

numbered as (
    select
        feed_rows.*,
        coalesce(first_files.occurrence, 1) as occurrence,
        coalesce(first_files.place_of_file, 1) as place_of_file
    from feed_rows
    left join first_files on feed_rows.file_id = first_files.file_id and feed_rows.row_number = first_files.row_number
),

identified as (
    select
        *,
        coalesce(file_id || ':' || cast(row_number as {{ text_type() }}), natural_key) as observation_id,
        {{ md5_key(['source', 'natural_key', 'least(occurrence, most_occurrences)']) }} as observation_key,
        content <> 'rejected' and (place_of_file > 1 or occurrence > most_occurrences) as is_repeat
    from numbered
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
