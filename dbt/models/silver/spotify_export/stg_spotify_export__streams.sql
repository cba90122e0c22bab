with {{ export_rows('streams') }},

renamed as (
    select
        file_id,
        row_number,
        case when spotify_track_uri like 'spotify:track:%' then substring(spotify_track_uri, 15) end as track_id,
        spotify_track_uri as track_uri,
        master_metadata_track_name as track_name,
        master_metadata_album_artist_name as artist_name,
        master_metadata_album_album_name as album_name,
        episode_name,
        episode_show_name,
        spotify_episode_uri as episode_uri,
        audiobook_title,
        audiobook_uri,
        audiobook_chapter_uri,
        platform,
        conn_country as country,
        kind as file_kind,
        reason_start,
        reason_end,
        greatest(coalesce(ms_played, 0), 0) as ms_played,
        shuffle as is_shuffle,
        skipped as is_skipped,
        offline as is_offline,
        coalesce(incognito_mode, false) as is_incognito,
        try_cast(ts as {{ instant_type() }}) as ended_at,
        -- seconds in some vintages, milliseconds in others, and 0 for unknown
        case
            when offline_timestamp > 100000000000 then {{ from_ms('offline_timestamp') }}
            when offline_timestamp > 0 then {{ from_ms('offline_timestamp * 1000') }}
        end as offline_at
    from first_imports
)

select * from renamed
