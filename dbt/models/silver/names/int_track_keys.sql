{{ config(materialized='table', meta={'keeps_before': true}) }}

with track_names as (
    select * from {{ ref('int_track_names') }}
),

songs as (
    select * from {{ ref('int_songs_by_name') }}
),

own_names as (
    {{ latest_per_key('track_names', 'track_id', 'preference, name_key') }}
),

-- the key of the song that the track's own name leads to: album and single version, and a track that Spotify replaced
-- by another of the same name, share it
final as (
    select
        own_names.track_id,
        songs.match_key
    from own_names
    inner join songs on own_names.name_key = songs.name_key
)

select * from final
