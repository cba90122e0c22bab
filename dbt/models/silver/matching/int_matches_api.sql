{{ config(materialized='table') }}

-- the API keeps no private sessions and nothing shorter than half a minute
with plays as (
    select * from ({{ plays_so_far(['account']) }}) as told
    where ms_played >= 25000 and not is_incognito
),

observations as (
    select
        observation_key,
        match_key,
        {{ to_ms('ended_at') }} as at_ms,
        duration_ms
    from {{ ref('int_observations') }}
    where source = 'api' and content = 'music' and not is_repeat
),

-- the time of the API lies near the end of the play, for some clients at its start
close_windows as (
    select
        play_key,
        match_key,
        ended_ms - greatest(ms_played, duration_ms) - {{ slack('duration_ms') }} as from_ms,
        ended_ms + blur_ms + {{ slack('duration_ms') }} as to_ms
    from plays
),

{{ match_pass('close', 'close_windows', 'observations') }},

-- pauses make the start lie further back
far_windows as (
    select
        play_key,
        match_key,
        ended_ms - greatest(ms_played, duration_ms) - 900000 as from_ms,
        ended_ms + blur_ms + 90000 as to_ms
    from plays
    where play_key not in (select play_key from close_matches)
),

far_points as (
    select * from observations where observation_key not in (select observation_key from close_matches)
),

{{ match_pass('far', 'far_windows', 'far_points') }},

{{ rest_of_feed(['close', 'far'], 'at_ms', 'coalesce(observations.duration_ms, 30000)') }}

select * from final
