{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

days as (
    select
        played_on,
        artist_key,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('streams') }} as streams,
        {{ gold_sum('skips') }} as skips,
        {{ gold_sum('finishes') }} as finishes
    from {{ ref('int_rec_days') }}
    group by played_on, artist_key
),

{{ gold_heat_base(['artist_key'], [14, 180]) }},

{{ gold_heat(['artist_key'], [14, 180]) }}

select * from summed
