with source as (
    select * from {{ source('spotify_export', 'listenbrainz_listens') }}
),

files as (
    select
        file_id,
        kind,
        _dlt_load_id
    from {{ ref('stg_spotify_export__files') }}
),

-- a file that two imports brought counts once
first_imports as (
    select
        source.*,
        files.kind
    from source
    inner join files on source.file_id = files.file_id and source._dlt_load_id = files._dlt_load_id
),

renamed as (
    select
        file_id,
        row_number,
        case
            when spotify_id like 'spotify:track:%' then substring(spotify_id, 15, 22)
            when spotify_id like '%/track/%' then regexp_extract(spotify_id, '/track/([0-9A-Za-z]{22})', 1)
            when length(spotify_id) = 22 then spotify_id
        end as track_id,
        upper(replace(isrc, '-', '')) as isrc,
        artist_name,
        track_name,
        release_name as album_name,
        duration_ms,
        ms_played,
        listened_at as started_at
    from first_imports
)

select * from renamed
