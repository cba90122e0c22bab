with {{ export_rows('account_streams') }},

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
