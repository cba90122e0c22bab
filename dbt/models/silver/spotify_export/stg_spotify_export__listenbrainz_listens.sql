with {{ export_rows('listenbrainz_listens') }},

renamed as (
    select
        file_id,
        row_number,
        case
            when spotify_id like 'spotify:track:%' then substring(spotify_id, 15, 22)
            when spotify_id like '%/track/%' then regexp_extract(spotify_id, '/track/([0-9A-Za-z]{22})', 1)
            when length(spotify_id) = 22 then spotify_id
        end as track_id,
        upper(replace(isrc, '-', '')) as isrc,
        artist_name,
        track_name,
        release_name as album_name,
        {{ length_ms('duration_ms') }} as duration_ms,
        ms_played,
        listened_at as started_at
    from first_imports
)

select * from renamed
