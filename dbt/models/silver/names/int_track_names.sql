{{ config(materialized='table') }}

with catalog_tracks as (
    select * from {{ ref('stg_catalog__tracks') }}
),

catalog_artists as (
    select * from {{ ref('stg_catalog__artists') }}
),

api_tracks as (
    select * from {{ ref('int_api_tracks') }}
),

streams as (
    select * from {{ ref('stg_spotify_export__streams') }}
    where track_id is not null
),

listens as (
    select * from {{ ref('stg_spotify_export__listenbrainz_listens') }}
    where track_id is not null
),

spellings as (
    select
        track_id,
        {{ list_item('artist_names', 1) }} as artist_name,
        track_name,
        1 as preference
    from api_tracks
    union all
    select
        catalog_tracks.track_id,
        catalog_artists.artist_name,
        catalog_tracks.track_name,
        2
    from catalog_tracks
    inner join catalog_artists on {{ list_item('catalog_tracks.artist_ids', 1) }} = catalog_artists.artist_id
    union all
    select
        track_id,
        {{ list_item('album_artist_names', 1) }},
        track_name,
        3
    from api_tracks
    union all
    select distinct
        track_id,
        artist_name,
        track_name,
        4
    from streams
    union all
    select distinct
        track_id,
        artist_name,
        track_name,
        5
    from listens
),

keyed as (
    select
        track_id,
        {{ name_key('artist_name', 'track_name') }} as name_key,
        preference
    from spellings
    where artist_name is not null and track_name is not null
),

final as (
    select
        track_id,
        name_key,
        min(preference) as preference
    from keyed
    group by track_id, name_key
)

select * from final
