{{ config(materialized='table', meta={'keeps_before': true}) }}

with track_names as (
    select * from {{ ref('int_track_names') }}
),

tracks as (
    select
        track_id,
        popularity
    from {{ ref('int_tracks') }}
),

played as (
    select distinct track_id from {{ ref('stg_spotify_api__plays') }}
    where track_id is not null
    union
    select distinct track_id from {{ ref('stg_spotify_export__streams') }}
    where track_id is not null
),

candidates as (
    select
        track_names.name_key,
        track_names.track_id,
        case when played.track_id is null then 1 else 0 end as is_never_played,
        tracks.popularity
    from track_names
    inner join tracks on track_names.track_id = tracks.track_id
    left join played on track_names.track_id = played.track_id
),

best_tracks as (
    {{ latest_per_key('candidates', 'name_key', 'is_never_played, popularity desc nulls last, track_id') }}
),

own_names as (
    {{ latest_per_key('track_names', 'track_id', 'preference, name_key') }}
),

final as (
    select
        best_tracks.name_key,
        best_tracks.track_id,
        own_names.name_key as match_key
    from best_tracks
    inner join own_names on best_tracks.track_id = own_names.track_id
)

select * from final
