with source as (
    select * from {{ source('spotify_export', 'rejects') }}
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
        reason,
        raw
    from first_imports
)

select * from renamed
