with {{ catalog_rows('spotify_artists', 'artist_id') }},

renamed as (
    select
        cast(artist_id as {{ text_type() }}) as artist_id,
        cast(name as {{ text_type() }}) as artist_name,
        {{ python_list('genres') }} as genres,
        {{ whole_number('artist_popularity') }} as popularity,
        {{ whole_number('followers') }} as followers
    from current_rows
)

select * from renamed
