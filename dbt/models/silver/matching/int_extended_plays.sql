{{ config(materialized='table') }}

with observations as (
    select * from {{ ref('int_observations') }} where source = 'extended' and content = 'music' and not is_repeat
),

neighbours as (
    select
        observation_key,
        match_key,
        {{ to_ms('ended_at') }} as ended_ms,
        ms_played,
        coalesce(duration_ms, ms_played) as duration_ms,
        is_incognito,
        platform,
        lag({{ to_ms('ended_at') }}) over (partition by match_key order by ended_at, ms_played, observation_key) as earlier_ended_ms,
        lag(ms_played) over (partition by match_key order by ended_at, ms_played, observation_key) as earlier_ms_played
    from observations
),

-- one stream told twice: the same length, ends seconds apart, most of it at the same time
final as (
    select
        observation_key,
        match_key,
        ended_ms,
        ms_played,
        duration_ms,
        is_incognito,
        coalesce(
            ms_played >= 1000
            and abs(ms_played - earlier_ms_played) <= 2000
            and ended_ms - earlier_ended_ms <= least(30000, ms_played / 2),
            false
        ) as is_repeat
    from neighbours
)

select * from final
