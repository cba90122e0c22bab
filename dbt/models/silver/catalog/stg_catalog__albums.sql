with {{ catalog_rows('spotify_albums', 'album_id') }},

renamed as (
    select
        cast(album_id as {{ text_type() }}) as album_id,
        cast(name as {{ text_type() }}) as album_name,
        cast(artist_id as {{ text_type() }}) as artist_id,
        cast(album_type as {{ text_type() }}) as album_type,
        {{ first_day('cast(release_date as ' ~ text_type() ~ ')') }} as released_on,
        cast(release_date_precision as {{ text_type() }}) as release_precision,
        {{ whole_number('total_tracks') }} as total_tracks
    from current_rows
)

select * from renamed
