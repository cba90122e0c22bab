with source as (
    select * from {{ source('spotify_export', 'account_streams') }}
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
        artist_name,
        track_name,
        kind as file_kind,
        greatest(coalesce(ms_played, 0), 0) as ms_played,
        {{ instant_from_text('end_time', 'UTC') }} as ended_at
    from first_imports
)

select * from renamed
