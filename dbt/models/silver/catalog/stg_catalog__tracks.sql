with {{ catalog_rows('spotify_tracks', 'track_id') }},

renamed as (
    select
        {{ catalog_text('track_id') }} as track_id,
        {{ catalog_text('name') }} as track_name,
        {{ catalog_text('album_id') }} as album_id,
        {{ catalog_text('artists_id') }} as artists_id,
        {{ python_list('artists_id') }} as artist_ids,
        {{ catalog_text('type') }} as track_type,
        {{ whole_number('popularity') }} as popularity,
        {{ length_ms('duration_ms') }} as duration_ms,
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
