with source as (
    select * from {{ source('spotify_api', 'polls') }}
),

newest as (
    {{ latest_per_key('source', 'poll_id', '_dlt_load_id desc') }}
),

renamed as (
    select
        poll_id,
        cast(status as integer) as status,
        cast(item_count as bigint) as item_count,
        digest,
        {{ json_texts('item_keys', '$', '') }} as item_keys,
        polled_at,
        oldest_played_at,
        newest_played_at
    from newest
)

select * from renamed
