{{ config(materialized='tail', meta={'at': 'ended_ms'}) }}

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
    where source = 'api' and content = 'music' and not is_repeat and {{ is_open('ended_at') }}
),

heard_plays as (
    select * from plays where ms_played >= 29000
),

-- the time of the API lies seconds after the end of the play
sharp_windows as (
    select play_key, match_key, ended_ms - 3000 as from_ms, ended_ms + blur_ms + 10000 as to_ms, turn from heard_plays
),

-- for some clients it is the start
wide_windows as (
    select
        play_key,
        match_key,
        ended_ms - greatest(ms_played, duration_ms) - {{ slack('duration_ms') }} as from_ms,
        ended_ms + blur_ms + {{ slack('duration_ms') }} as to_ms,
        turn
    from heard_plays
),

{{ match_sharp_then_wide('near', 'sharp_windows', 'wide_windows', 'observations') }},

far_plays as ({{ left_over('plays', 'play_key', ['near']) }}),

far_points as ({{ left_over('observations', 'observation_key', ['near']) }}),

-- an answer that came late, and plays that other feeds tell to be shorter than half a minute
far_windows as (
    select
        play_key,
        match_key,
        ended_ms - greatest(ms_played, duration_ms) - {{ slack('duration_ms') }} as from_ms,
        ended_ms + blur_ms + 90000 as to_ms,
        turn
    from far_plays
),

{{ match_pass('far', 'far_windows', 'far_points') }},

-- a stream that its export tells without a name, or as a song of "Various Artists", by its time
nameless_plays as ({{ left_over('plays', 'play_key', ['near', 'far']) }}),

nameless_points as (
    select observation_key, 'any' as match_key, at_ms, {{ title_of('match_key') }} as title
    from ({{ left_over('observations', 'observation_key', ['near', 'far']) }}) as unmatched
),

nameless_windows as (
    select
        play_key,
        'any' as match_key,
        ended_ms - 5000 as from_ms,
        ended_ms + blur_ms + 20000 as to_ms,
        turn,
        {{ title_of('match_key') }} as title
    from nameless_plays
),

{{ match_pass('nameless', 'nameless_windows', 'nameless_points', same_title_or_none(), 300000) }},

{{ rest_of_feed(['near', 'far', 'nameless'], 'at_ms', 'coalesce(duration_ms, 30000)', '25000', 0) }}

select * from final
