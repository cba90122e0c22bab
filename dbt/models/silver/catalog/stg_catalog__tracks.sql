with {{ catalog_rows('spotify_tracks', 'track_id') }},

renamed as (
    select
        cast(track_id as {{ text_type() }}) as track_id,
        cast(name as {{ text_type() }}) as track_name,
        cast(album_id as {{ text_type() }}) as album_id,
        cast(artists_id as {{ text_type() }}) as artists_id,
        {{ python_list('artists_id') }} as artist_ids,
        cast(type as {{ text_type() }}) as track_type,
        {{ whole_number('popularity') }} as popularity,
        {{ whole_number('duration_ms') }} as duration_ms,
        {{ whole_number('track_key') }} as key,
        {{ whole_number('mode') }} as mode,
        {{ whole_number('time_signature') }} as time_signature,
        cast(danceability as double) as danceability,
        cast(energy as double) as energy,
        cast(loudness as double) as loudness,
        cast(speechiness as double) as speechiness,
        cast(acousticness as double) as acousticness,
        cast(instrumentalness as double) as instrumentalness,
        cast(liveness as double) as liveness,
        cast(valence as double) as valence,
        cast(tempo as double) as tempo
    from current_rows
)

select * from renamed
