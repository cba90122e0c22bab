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

-- both tell the same stream to the millisecond, so its length is part of the key; and its end within the minute
exact_windows as (
    select
        play_key,
        match_key || '|' || cast(ms_played as {{ text_type() }}) as match_key,
        ended_ms - 60999 as from_ms,
        ended_ms + 999 as to_ms
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

near_plays as ({{ left_over('plays', 'play_key', ['exact']) }}),

near_points as ({{ left_over('observations', 'observation_key', ['exact']) }}),

-- a length or a minute that was rounded
near_windows as (
    select play_key, match_key, ended_ms - 90000 as from_ms, ended_ms + 30000 as to_ms, ms_played from near_plays
),

{{ match_pass('near', 'near_windows', 'near_points', 'abs(windows.ms_played - points.ms_played) <= 1500') }},

-- the two may know the song by other names, or one by none: two streams that end in one minute and have one length to
-- the millisecond are one
nameless_plays as ({{ left_over('plays', 'play_key', ['exact', 'near']) }}),

nameless_points as (
    select observation_key, cast(ms_played as {{ text_type() }}) as match_key, at_ms
    from ({{ left_over('observations', 'observation_key', ['exact', 'near']) }}) as unmatched
    where ms_played >= 5000
),

nameless_windows as (
    select
        play_key,
        cast(ms_played as {{ text_type() }}) as match_key,
        ended_ms - 60999 as from_ms,
        ended_ms + 999 as to_ms
    from nameless_plays
),

{{ match_pass('nameless', 'nameless_windows', 'nameless_points') }},

matches as (
    select * from exact_matches
    union all
    select * from near_matches
    union all
    select * from nameless_matches
),

final as (
    select
        observations.observation_key,
        coalesce(matches.play_key, observations.observation_key) as play_key,
        observations.match_key,
        observations.at_ms as ended_ms,
        59999 as blur_ms,
        observations.ms_played,
        observations.duration_ms,
        false as is_repeat
    from observations
    left join matches on observations.observation_key = matches.observation_key
)

select * from final
