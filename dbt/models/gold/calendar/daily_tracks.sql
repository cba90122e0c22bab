{{ config(materialized='tail', meta={'at': 'played_on', 'settled': 'int_settled_gold'}) }}

with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted and {{ is_open('played_on', 'int_settled_gold') }}
),

summed as (
    select
        played_on,
        recording_id,
        track_id,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(played_at) as first_played_at,
        max(played_at) as last_played_at
    from plays
    group by played_on, recording_id, track_id
),

final as (
    select
        played_on,
        recording_id,
        track_id,
        plays,
        ms_played,
        first_played_at,
        last_played_at,
        coalesce(track_id, recording_id) as track_key
    from summed
)

select * from final
order by played_on
