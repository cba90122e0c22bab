-- a table: five models read it, and each would parse the documents again
{{ config(materialized='table') }}

with source as (
    select * from {{ source('spotify_api', 'plays') }}
),

newest_offers as (
    {{ latest_per_key('source', 'played_at, track_uri', 'offered_at desc, poll_id desc, payload') }}
),

renamed as (
    select
        {{ md5_key(["'api'", to_ms('played_at'), 'track_uri', '1']) }} as observation_key,
        track_id,
        track_uri,
        {{ api_track_columns('payload', '$.track') }},
        played_at,
        offered_at
    from newest_offers
)

select * from renamed
