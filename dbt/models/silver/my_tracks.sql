with plays as (
    select * from {{ ref('stg_spotify_api__plays') }}
    where track_id is not null
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

catalog_tracks as (
    select * from {{ ref('stg_catalog__tracks') }}
),

joined as (
    select
        tracks.album_id,
        tracks.artist_ids as artists_id,
        plays.track_id,
        plays.track_id || {{ iso_text('plays.played_at') }} as track_unique_id,
        tracks.track_name as name,
        tracks.popularity,
        coalesce(plays.track_type, catalog_tracks.track_type) as type,
        tracks.duration_ms,
        plays.played_at,
        tracks.danceability,
        tracks.energy,
        tracks.key,
        tracks.loudness,
        tracks.mode,
        tracks.speechiness,
        tracks.acousticness,
        tracks.instrumentalness,
        tracks.liveness,
        tracks.valence,
        tracks.tempo
    from plays
    inner join tracks on plays.track_id = tracks.track_id
    left join catalog_tracks on plays.track_id = catalog_tracks.track_id
)

select * from joined
