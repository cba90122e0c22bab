{{ config(materialized='table') }}

with plays as (
    {{ plays_so_far([]) }}
),

observations as (
    select
        observation_key,
        match_key,
        {{ to_ms('ended_at') }} as at_ms,
        ms_played,
        coalesce(duration_ms, ms_played) as duration_ms
    from {{ ref('int_observations') }}
    where source = 'account' and content = 'music' and not is_repeat
),

-- both tell the same stream to the millisecond, so its length is part of the key
exact_windows as (
    select
        play_key,
        match_key || '|' || cast(ms_played as {{ text_type() }}) as match_key,
        ended_ms - 90000 as from_ms,
        ended_ms + 30000 as to_ms
    from plays
),

exact_points as (
    select
        observation_key,
        match_key || '|' || cast(ms_played as {{ text_type() }}) as match_key,
        at_ms
    from observations
),

{{ match_pass('exact', 'exact_windows', 'exact_points') }},

-- a rounded length
near_windows as (
    select play_key, match_key, ended_ms - 62000 as from_ms, ended_ms + 2000 as to_ms, ms_played
    from plays
    where play_key not in (select play_key from exact_matches)
),

near_points as (
    select * from observations where observation_key not in (select observation_key from exact_matches)
),

{{ match_pass('near', 'near_windows', 'near_points', 'abs(windows.ms_played - points.ms_played) <= 1500') }},

matches as (
    select * from exact_matches
    union all
    select * from near_matches
),

final as (
    select
        observations.observation_key,
        coalesce(matches.play_key, observations.observation_key) as play_key,
        observations.match_key,
        observations.at_ms as ended_ms,
        60000 as blur_ms,
        observations.ms_played,
        observations.duration_ms,
        false as is_repeat
    from observations
    left join matches on observations.observation_key = matches.observation_key
)

select * from final
