{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

days as (
    select
        played_on,
        recording_id,
        plays,
        streams,
        skips,
        finishes
    from {{ ref('int_rec_days') }}
),

{{ gold_heat(['recording_id'], [30, 180]) }}

select * from summed
