with source as (
    select *, {{ load_number('_dlt_load_id') }} as load_number from {{ source('spotify_export', 'files') }}
),

first_imports as (
    {{ latest_per_key('source', 'file_id', 'load_number, archive, file') }}
),

renamed as (
    select
        file_id,
        archive,
        file,
        feed,
        kind,
        bytes,
        row_count,
        imported_at,
        _dlt_load_id
    from first_imports
)

select * from renamed
