-- a table: five models read it, and each would parse the documents again
{{ config(materialized='table') }}

with source as (
    select
        poll_id,
        offered_at,
        played_at,
        track_id,
        track_uri,
        {{ json_document('payload') }} as payload
    from {{ source('spotify_api', 'plays') }}
),

-- an item that cannot be read is a play all the same, of which time and track are known
newest_offers as (
    {{ latest_per_key(
        'source',
        'played_at, track_uri',
        'case when payload is null then 1 else 0 end, offered_at desc, poll_id desc, payload'
    ) }}
),

renamed as (
    select
        {{ md5_key(["'api'", to_ms('played_at'), 'track_uri', '1']) }} as observation_key,
        {{ without_nul('track_id') }} as track_id,
        track_uri,
        payload is not null as is_readable,
        {{ api_track_columns('payload', '$.track') }},
        played_at,
        offered_at
    from newest_offers
)

select * from renamed
