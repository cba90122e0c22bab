with {{ export_rows('rejects') }},

renamed as (
    select
        file_id,
        row_number,
        reason,
        raw
    from first_imports
)

select * from renamed
