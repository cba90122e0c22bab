{{ config(materialized='table') }}

with spellings as (
    select
        artist_name,
        track_name
    from {{ ref('stg_spotify_export__streams') }}
    where track_id is null
    union
    select
        artist_name,
        track_name
    from {{ ref('stg_spotify_export__account_streams') }}
    union
    select
        artist_name,
        track_name
    from {{ ref('stg_spotify_export__lastfm_scrobbles') }}
    union
    select
        artist_name,
        track_name
    from {{ ref('stg_spotify_export__listenbrainz_listens') }}
    union
    select
        {{ list_item('artist_names', 1) }},
        track_name
    from {{ ref('stg_spotify_api__plays') }}
    where track_id is null
),

known as (
    select distinct
        coalesce(nullif(artist_name, ''), 'Unknown Artist') as artist_name,
        coalesce(nullif(track_name, ''), 'Unknown Track') as track_name
    from spellings
),

final as (
    select
        artist_name,
        track_name,
        {{ name_key('artist_name', 'track_name') }} as name_key
    from known
)

select * from final
