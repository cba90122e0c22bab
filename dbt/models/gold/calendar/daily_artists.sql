{{ config(materialized='tail', meta={'at': 'played_on', 'settled': 'int_settled_gold'}) }}

with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted and {{ is_open('played_on', 'int_settled_gold') }}
),

summed as (
    select
        played_on,
        artist_key,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        count(distinct recording_id) as tracks,
        min(played_at) as first_played_at,
        max(played_at) as last_played_at
    from plays
    group by played_on, artist_key
)

select * from summed
order by played_on
