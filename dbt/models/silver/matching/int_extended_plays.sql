{{ config(materialized='tail', meta={'at': 'ended_ms'}) }}

with observations as (
    select * from {{ ref('int_observations') }}
    where source = 'extended' and content = 'music' and not is_repeat and {{ is_open('ended_at') }}
),

neighbours as (
    select
        observation_key,
        match_key,
        {{ to_ms('ended_at') }} as ended_ms,
        ms_played,
        coalesce(duration_ms, ms_played) as duration_ms,
        is_incognito,
        lag({{ to_ms('ended_at') }}) over (
            partition by match_key, ms_played order by ended_at, observation_key
        ) as earlier_ended_ms
    from observations
),

-- one stream told twice: the same length to the millisecond, and ends so close that most of it was at the same time
final as (
    select
        observation_key,
        match_key,
        ended_ms,
        ms_played,
        duration_ms,
        is_incognito,
        coalesce(ended_ms - earlier_ended_ms <= least(30000, ms_played / 2), false) as is_repeat
    from neighbours
)

select * from final
