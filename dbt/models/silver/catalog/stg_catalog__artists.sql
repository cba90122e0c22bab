with {{ catalog_rows('spotify_artists', 'artist_id') }},

renamed as (
    select
        {{ catalog_text('artist_id') }} as artist_id,
        {{ catalog_text('name') }} as artist_name,
        {{ python_list('genres') }} as genres,
        {{ whole_number('artist_popularity') }} as popularity,
        {{ whole_number('followers') }} as followers
    from current_rows
)

select * from renamed
