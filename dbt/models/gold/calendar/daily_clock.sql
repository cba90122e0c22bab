{{ config(materialized='tail', meta={'at': 'played_on', 'settled': 'int_settled_gold'}) }}

with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted and {{ is_open('played_on', 'int_settled_gold') }}
),

summed as (
    select
        played_on,
        hour,
        weekday,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played
    from plays
    group by played_on, hour, weekday
)

select * from summed
