{{ config(materialized='table') }}

with fetched_tracks as (
    select * from {{ ref('stg_spotify_api__tracks') }}
),

played_tracks as (
    select * from {{ ref('stg_spotify_api__plays') }}
    where track_id is not null
),

{% set columns = [
    'track_id', 'track_name', 'album_id', 'album_name', 'album_type', 'release_date', 'release_precision',
    'total_tracks', 'album_artist_ids', 'album_artist_names', 'artist_ids', 'artist_names', 'isrc', 'duration_ms', 'popularity'
] | join(', ') -%}
answers as (
    select {{ columns }}, fetched_at as told_at, 1 as preference from fetched_tracks
    union all
    select {{ columns }}, offered_at, case when is_readable then 2 else 3 end from played_tracks
),

newest as (
    {{ latest_per_key('answers', 'track_id', 'preference, told_at desc, album_id, track_name') }}
),

-- an answer to a question of its own is newer, but may lack what the item of a play had
isrcs as (
    select
        track_id,
        min(isrc) as isrc
    from played_tracks
    where isrc is not null
    group by track_id
),

completed as (
    select
        newest.track_id,
        newest.track_name,
        newest.album_id,
        newest.album_name,
        newest.album_type,
        newest.release_date,
        newest.release_precision,
        newest.total_tracks,
        newest.album_artist_ids,
        newest.album_artist_names,
        newest.artist_ids,
        newest.artist_names,
        coalesce(newest.isrc, isrcs.isrc) as isrc,
        newest.duration_ms,
        newest.popularity
    from newest
    left join isrcs on newest.track_id = isrcs.track_id
)

select * from completed
