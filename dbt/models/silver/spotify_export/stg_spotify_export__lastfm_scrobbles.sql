with {{ export_rows('lastfm_scrobbles') }},

renamed as (
    select
        file_id,
        row_number,
        artist_name,
        album_name,
        track_name,
        listened_at as started_at
    from first_imports
)

select * from renamed
