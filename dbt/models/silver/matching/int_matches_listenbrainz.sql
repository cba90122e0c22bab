{{ config(materialized='table') }}

-- a scrobbler waits for half of the track, and for half a minute at least
with plays as (
    select * from ({{ plays_so_far(['account', 'api']) }}) as told
    where ms_played >= 25000
),

observations as (
    select
        observation_key,
        match_key,
        {{ to_ms('started_at') }} as at_ms,
        ms_played,
        duration_ms
    from {{ ref('int_observations') }}
    where source = 'listenbrainz' and content = 'music' and not is_repeat
),

-- the start of a stream without a pause; a play that only the API tells may have been cut short
close_windows as (
    select
        play_key,
        match_key,
        ended_ms - ms_played - 20000 as from_ms,
        case when source = 'api' then ended_ms - 25000 else ended_ms + blur_ms - ms_played + 20000 end as to_ms
    from plays
),

{{ match_pass('close', 'close_windows', 'observations') }},

far_windows as (
    select
        play_key,
        match_key,
        ended_ms - greatest(ms_played, duration_ms) - 900000 as from_ms,
        ended_ms + blur_ms + 5000 as to_ms
    from plays
    where play_key not in (select play_key from close_matches)
),

far_points as (
    select * from observations where observation_key not in (select observation_key from close_matches)
),

{{ match_pass('far', 'far_windows', 'far_points') }},

{{ rest_of_feed(
    ['close', 'far'],
    'observations.at_ms + coalesce(observations.ms_played, observations.duration_ms, 30000)',
    'coalesce(observations.ms_played, observations.duration_ms, 30000)'
) }}

select * from final
