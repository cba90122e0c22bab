with {{ catalog_rows('spotify_albums', 'album_id') }},

renamed as (
    select
        {{ catalog_text('album_id') }} as album_id,
        {{ catalog_text('name') }} as album_name,
        {{ catalog_text('artist_id') }} as artist_id,
        {{ catalog_text('album_type') }} as album_type,
        {{ first_day('cast(release_date as ' ~ text_type() ~ ')') }} as released_on,
        {{ catalog_text('release_date_precision') }} as release_precision,
        {{ whole_number('total_tracks') }} as total_tracks
    from current_rows
)

select * from renamed
