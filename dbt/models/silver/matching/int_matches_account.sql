{{ config(materialized='tail', meta={'at': 'ended_ms'}) }}

with plays as (
    {{ plays_so_far([]) }}
),

observations as (
    select
        observation_key,
        match_key,
        -- equal rows keep their order
        {{ to_ms('ended_at') }} + least(occurrence, 900) - 1 as at_ms,
        ms_played,
        coalesce(duration_ms, ms_played) as duration_ms
    from {{ ref('int_observations') }}
    where source = 'account' and content = 'music' and not is_repeat and {{ is_open('ended_at') }}
),

-- both tell the same stream to the millisecond, so its length is part of the key; and the minute of its end
exact_windows as (
    select
        play_key,
        match_key || '|' || cast(ms_played as {{ text_type() }}) as match_key,
        {{ floor_to('ended_ms', 60000) }} as from_ms,
        ended_ms + 999 as to_ms,
        turn
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
    select play_key, match_key, ended_ms - 90000 as from_ms, ended_ms + 30000 as to_ms, turn, ms_played from near_plays
),

{{ match_pass('near', 'near_windows', 'near_points', 'abs(windows.ms_played - points.ms_played) <= 1500') }},

-- the two may know the song by other names, or one by none: two streams that end in one minute and have one length to
-- the millisecond are one
nameless_plays as ({{ left_over('plays', 'play_key', ['exact', 'near']) }}),

nameless_points as (
    select
        observation_key,
        cast(ms_played as {{ text_type() }}) as match_key,
        at_ms,
        ms_played,
        {{ title_of('match_key') }} as title
    from ({{ left_over('observations', 'observation_key', ['exact', 'near']) }}) as unmatched
),

nameless_windows as (
    select
        play_key,
        cast(ms_played as {{ text_type() }}) as match_key,
        {{ floor_to('ended_ms', 60000) }} as from_ms,
        ended_ms + 999 as to_ms,
        turn,
        {{ title_of('match_key') }} as title
    from nameless_plays
),

{{ match_pass(
    'nameless', 'nameless_windows', 'nameless_points', 'points.ms_played >= 5000 or ' ~ same_title_or_none()
) }},

matches as (
    select *, false as is_by_time from exact_matches
    union all
    select *, false from near_matches
    union all
    select *, true from nameless_matches
),

final as (
    select
        observations.observation_key,
        coalesce(matches.play_key, observations.observation_key) as play_key,
        observations.match_key,
        {{ floor_to('observations.at_ms', 60000) }} as ended_ms,
        59999 as blur_ms,
        observations.ms_played,
        observations.duration_ms,
        coalesce(matches.is_by_time, false) as is_by_time,
        false as is_repeat
    from observations
    left join matches on observations.observation_key = matches.observation_key
)

select * from final
