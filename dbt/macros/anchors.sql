{#
    The plays that a feed is matched with: the streams of the extended export, and of each feed that was matched before
    the observations that found no partner.

    `blur_ms`: how much later than `ended_ms` the play may really have ended. `turn`: of two plays that end in one minute
    the shorter one came second. A play whose feed tells no name, or that of "Various Artists", bears the key of the
    observation that was matched by time.
#}
{% macro plays_so_far(feeds) -%}
    select
        'extended' as source,
        streams.observation_key as play_key,
        {% if feeds -%} coalesce(learned.match_key, streams.match_key) {%- else -%} streams.match_key {%- endif %} as match_key,
        streams.ended_ms,
        0 as blur_ms,
        cast(0 as bigint) as turn,
        streams.ms_played,
        streams.duration_ms,
        streams.is_incognito
    from {{ ref('int_extended_plays') }} as streams
    {% if feeds %}
    left join (
        select play_key, min(match_key) as match_key
        from (
            {% for feed in feeds %}
            select play_key, match_key from {{ ref('int_matches_' ~ feed) }}
            where is_by_time and {{ is_open('ended_ms') }}
            {{ 'union all' if not loop.last }}
            {% endfor %}
        ) as matched_by_time
        group by play_key
    ) as learned on streams.observation_key = learned.play_key
    {% endif %}
    where not streams.is_repeat and {{ is_open('streams.ended_ms') }}
    {% for feed in feeds %}
    union all
    select '{{ feed }}', observation_key, match_key, ended_ms, blur_ms, -ms_played, ms_played, duration_ms, false
    from {{ ref('int_matches_' ~ feed) }}
    where play_key = observation_key and {{ is_open('ended_ms') }}
    {% endfor %}
{%- endmacro %}

{# how far two clocks may be apart about one play, from the length of the track #}
{% macro slack(duration_ms) -%} least(60000, greatest(10000, {{ duration_ms }} / 4)) {%- endmacro %}

{# the title in the key of a song; empty in the key of a track whose name nobody tells #}
{% macro title_of(match_key) -%} {{ return(adapter.dispatch('title_of', 'lakehouse')(match_key)) }} {%- endmacro %}
{% macro default__title_of(match_key) -%} split_part({{ match_key }}, {{ unit_separator() }}, 2) {%- endmacro %}

{# candidates of the last pass: the same title, or a stream without one #}
{% macro same_title_or_none() -%}
    windows.title in ('', points.title, {{ comparable_title("'Unknown Track'") }})
{%- endmacro %}

{# rows of a relation whose column is not among the matches of earlier passes #}
{% macro left_over(relation, column, passes) -%}
    select * from {{ relation }}
    where
        {%- for pass in passes %}
        {{ column }} not in (select {{ column }} from {{ pass }}_matches)
        {{- ' and' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#
    Last steps of matching a feed: an observation without a partner is a play of its own, unless the same feed tells the
    same track so shortly before or after that nobody can have heard it twice (`shortest_ms`): then it is the same play
    told twice. So it is when it falls into a play that an export tells to the second and that a neighbour is matched with
    (`unit_ms`: how coarse the feed's clock is).
#}
{% macro rest_of_feed(passes, ended_ms, ms_played, shortest_ms, unit_ms) -%}
    matches as (
        {% for pass in passes %}
        select play_key, observation_key, {{ 'true' if pass == 'nameless' else 'false' }} as is_by_time from {{ pass }}_matches
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    partnered as (
        select
            observations.*,
            matches.play_key,
            coalesce(matches.is_by_time, false) as is_by_time,
            lag(observations.at_ms) over feed as earlier_ms,
            lead(observations.at_ms) over feed as later_ms,
            lead(matches.play_key) over feed as later_play_key,
            lag(plays.ended_ms) over feed as earlier_play_ended_ms,
            lead(plays.ended_ms - plays.ms_played) over feed as later_play_started_ms
        from observations
        left join matches on observations.observation_key = matches.observation_key
        left join plays on matches.play_key = plays.play_key and plays.source in ('extended', 'account')
        window feed as (partition by observations.match_key order by observations.at_ms, observations.observation_key)
    ),

    judged as (
        select
            *,
            play_key is null
            and (
                coalesce(at_ms - earlier_ms < {{ shortest_ms }}, false)
                or coalesce(later_play_key is not null and later_ms - at_ms < {{ shortest_ms }}, false)
                or coalesce(at_ms + {{ unit_ms }} < earlier_play_ended_ms - 5000, false)
                or coalesce(at_ms + {{ unit_ms }} > later_play_started_ms, false)
            ) as is_repeat
        from partnered
    ),

    final as (
        select
            observation_key,
            case when not is_repeat then coalesce(play_key, observation_key) end as play_key,
            match_key,
            {{ ended_ms }} as ended_ms,
            0 as blur_ms,
            {{ ms_played }} as ms_played,
            coalesce(duration_ms, {{ ms_played }}) as duration_ms,
            is_by_time,
            is_repeat
        from judged
    )
{%- endmacro %}

{# the last multiple of a unit of time #}
{% macro floor_to(milliseconds, unit_ms) -%} {{ floor_divide(milliseconds, unit_ms) }} * {{ unit_ms }} {%- endmacro %}

{# what a scrobbler waits for: half of the track or four minutes, and half a minute at least #}
{% macro scrobbled_from_ms(duration_ms) -%} greatest(30000, least(coalesce({{ duration_ms }} / 2, 30000), 240000)) {%- endmacro %}

{#
    Matching a scrobbler, which tells the start of a play, in whole seconds or in whole minutes.
    `feeds`: those that were matched before. `ms_played`: expression for the length, where the scrobbler tells one.
#}
{% macro scrobbler_matches(source, feeds, ms_played, unit_ms) -%}
    plays as (
        select * from ({{ plays_so_far(feeds) }}) as told
        where ms_played >= 25000
    ),

    heard_plays as (
        select * from plays where ms_played >= {{ scrobbled_from_ms('duration_ms') }} - 2000
    ),

    observations as (
        select
            observation_key,
            match_key,
            {{ to_ms('started_at') }} as at_ms,
            {{ ms_played }} as ms_played,
            duration_ms
        from {{ ref('int_observations') }}
        where source = '{{ source }}' and content = 'music' and not is_repeat and {{ is_open('started_at') }}
    ),

    -- a start that the scrobbler tells again within seconds takes no part
    first_starts as (
        select * from (
            select
                *,
                at_ms - lag(at_ms) over (partition by match_key order by at_ms, observation_key) as since_earlier_ms
            from observations
        ) as starts
        where since_earlier_ms is null or since_earlier_ms >= 25000
    ),

    -- the start of a stream without a pause
    sharp_windows as (
        select
            play_key,
            match_key,
            {{ floor_to('ended_ms - ms_played - 4000', unit_ms) }} as from_ms,
            ended_ms + blur_ms - ms_played + 4000 as to_ms,
            turn
        from heard_plays
    ),

    -- short pauses, and clocks that differ; a play that only the API tells may have been cut short
    wide_windows as (
        select
            play_key,
            match_key,
            {{ floor_to('ended_ms - greatest(ms_played, duration_ms) - ' ~ slack('duration_ms'), unit_ms) }} as from_ms,
            case
                when source = 'api' then greatest(ended_ms - 25000, ended_ms - ms_played + 4000)
                else ended_ms + blur_ms - ms_played + 20000
            end as to_ms,
            turn
        from heard_plays
    ),

    {{ match_sharp_then_wide('near', 'sharp_windows', 'wide_windows', 'first_starts') }},

    far_plays as ({{ left_over('plays', 'play_key', ['near']) }}),

    far_points as ({{ left_over('first_starts', 'observation_key', ['near']) }}),

    -- long pauses; and the API's time may be the start
    far_windows as (
        select
            play_key,
            match_key,
            {{ floor_to('ended_ms - greatest(ms_played, duration_ms) - 900000', unit_ms) }} as from_ms,
            ended_ms + blur_ms + 5000 as to_ms,
            turn
        from far_plays
    ),

    {{ match_pass('far', 'far_windows', 'far_points') }},

    -- a stream that its export tells without a name, or as a song of "Various Artists", by its time
    nameless_plays as ({{ left_over('plays', 'play_key', ['near', 'far']) }}),

    nameless_points as (
        select observation_key, 'any' as match_key, at_ms, {{ title_of('match_key') }} as title
        from ({{ left_over('first_starts', 'observation_key', ['near', 'far']) }}) as unmatched
    ),

    nameless_windows as (
        select
            play_key,
            'any' as match_key,
            {{ floor_to('ended_ms - greatest(ms_played, duration_ms) - 900000', unit_ms) }} as from_ms,
            ended_ms + blur_ms - ms_played + 5000 as to_ms,
            {{ floor_to('ended_ms - ms_played - 20000', unit_ms) }} as unpaused_from_ms,
            turn,
            {{ title_of('match_key') }} as title
        from nameless_plays
        where source in ('extended', 'account')
    ),

    {{ match_pass(
        'nameless',
        'nameless_windows',
        'nameless_points',
        'windows.title = points.title or (points.at_ms >= windows.unpaused_from_ms and ' ~ same_title_or_none() ~ ')'
    ) }},

    {{ rest_of_feed(
        ['near', 'far', 'nameless'],
        'at_ms + coalesce(ms_played, duration_ms, 30000)',
        'coalesce(ms_played, duration_ms, 30000)',
        'greatest(25000, ' ~ scrobbled_from_ms('duration_ms') ~ ' - 1000 - ' ~ unit_ms ~ ')',
        unit_ms
    ) }}
{%- endmacro %}
