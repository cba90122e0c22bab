{{ config(
    materialized='tail',
    meta={'at': 'started_at', 'settled': 'int_settled_gold'},
    schema='silver',
    contract={'enforced': false},
    tags=['internal'],
) }}

with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted and {{ is_open('played_at', 'int_settled_gold') }}
),

summed as (
    select
        session_id,
        min(started_at) as started_at,
        max(played_at) as ended_at,
        min({{ gold_local_date('started_at') }}) as started_on,
        max(played_on) as ended_on,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        count(distinct recording_id) as tracks,
        count(distinct artist_key) as artists
    from plays
    group by session_id
)

select * from summed
