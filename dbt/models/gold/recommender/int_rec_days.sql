{{ config(
    materialized='tail',
    meta={'at': 'played_on', 'settled': 'int_settled_gold'},
    schema='silver',
    contract={'enforced': false},
    tags=['internal', 'duckdb_only'],
) }}

with

streams as (
    select * from {{ ref('int_plays_keyed') }}
    where {{ is_open('played_on', 'int_settled_gold') }}
),

final as (
    select
        played_on,
        recording_id,
        artist_key,
        {{ gold_count_if('is_counted') }} as plays,
        count(*) as streams,
        {{ gold_count_if('is_skipped') }} as skips,
        {{ gold_count_if('is_finished') }} as finishes
    from streams
    group by played_on, recording_id, artist_key
)

select * from final
