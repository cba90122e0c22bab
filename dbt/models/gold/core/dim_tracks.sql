with

tracks as (
    select * from {{ ref('int_tracks') }}
),

recordings as (
    select * from {{ ref('int_recordings') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

-- by id silver has renamed it; by name it is renamed here, as in the plays
renames as (
    {{ renames('track', 'item_name') }}
),

played as (
    select
        track_id,
        min(track_name) as track_name,
        min(album_id) as album_id,
        min(artist_id) as artist_id,
        min(recording_id) as recording_id,
        min(duration_ms) as duration_ms
    from {{ ref('int_plays_unified') }}
    where track_id is not null
    group by track_id
),

described as (
    select
        tracks.track_id,
        coalesce(renames.new_name, tracks.track_name) as track_name,
        tracks.album_id,
        tracks.artist_id,
        tracks.artist_ids,
        coalesce(recordings.recording_id, tracks.track_id) as recording_id,
        tracks.isrc,
        tracks.duration_ms,
        tracks.popularity,
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
        tracks.tempo,
        tracks.time_signature
    from tracks
    left join recordings on tracks.track_id = recordings.track_id
    left join renames on tracks.track_name = renames.item_name
),

told_by_plays as (
    select
        played.track_id,
        played.track_name,
        played.album_id,
        played.artist_id,
        cast(null as {{ text_list_type() }}) as artist_ids,
        coalesce(recordings.recording_id, played.recording_id, played.track_id) as recording_id,
        cast(null as {{ text_type() }}) as isrc,
        played.duration_ms,
        cast(null as bigint) as popularity,
        cast(null as double) as danceability,
        cast(null as double) as energy,
        cast(null as bigint) as key,
        cast(null as double) as loudness,
        cast(null as bigint) as mode,
        cast(null as double) as speechiness,
        cast(null as double) as acousticness,
        cast(null as double) as instrumentalness,
        cast(null as double) as liveness,
        cast(null as double) as valence,
        cast(null as double) as tempo,
        cast(null as bigint) as time_signature
    from played
    left join tracks on played.track_id = tracks.track_id
    left join recordings on played.track_id = recordings.track_id
    where tracks.track_id is null
),

completed as (
    select * from described
    union all
    select * from told_by_plays
)

select * from completed
