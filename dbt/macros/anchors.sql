{#
    The plays that a feed is matched with: the streams of the extended export, and of each feed that was matched before
    the observations that found no partner. `blur_ms`: how much later than `ended_ms` the play may really have ended.
#}
{% macro plays_so_far(feeds) -%}
    select
        'extended' as source,
        observation_key as play_key,
        match_key,
        ended_ms,
        0 as blur_ms,
        ms_played,
        duration_ms,
        is_incognito
    from {{ ref('int_extended_plays') }}
    where not is_repeat
    {% for feed in feeds %}
    union all
    select '{{ feed }}', observation_key, match_key, ended_ms, blur_ms, ms_played, duration_ms, false
    from {{ ref('int_matches_' ~ feed) }}
    where play_key = observation_key
    {% endfor %}
{%- endmacro %}

{# how far two clocks may be apart about one play, from the length of the track #}
{% macro slack(duration_ms) -%} least(60000, greatest(10000, {{ duration_ms }} / 4)) {%- endmacro %}

{# key of a stream that its feed tells without a name or an id #}
{% macro nameless_key() -%} {{ name_key("'Unknown Artist'", "'Unknown Track'") }} {%- endmacro %}

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
    same track less than 25 s away. No feed but the exports tells plays shorter than half a minute, so such a neighbour
    is the same play told twice.
#}
{% macro rest_of_feed(passes, ended_ms, ms_played) -%}
    matches as (
        {% for pass in passes %}
        select * from {{ pass }}_matches
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    partnered as (
        select
            observations.*,
            matches.play_key,
            lag(observations.at_ms) over feed as earlier_ms,
            lead(observations.at_ms) over feed as later_ms,
            lead(matches.play_key) over feed as later_play_key
        from observations
        left join matches on observations.observation_key = matches.observation_key
        window feed as (partition by observations.match_key order by observations.at_ms, observations.observation_key)
    ),

    judged as (
        select
            *,
            play_key is null
            and (
                coalesce(at_ms - earlier_ms < 25000, false)
                or coalesce(later_play_key is not null and later_ms - at_ms < 25000, false)
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
            is_repeat
        from judged
    )
{%- endmacro %}

{#
    Matching a scrobbler, which tells the start of a play, in whole seconds or in whole minutes (`blur_ms`).
    `feeds`: those that were matched before.
#}
{% macro scrobbler_matches(source, feeds, ms_played, blur_ms) -%}
    -- a scrobbler waits for half of the track, and for half a minute at least
    plays as (
        select * from ({{ plays_so_far(feeds) }}) as told
        where ms_played >= 25000
    ),

    observations as (
        select
            observation_key,
            match_key,
            {{ to_ms('started_at') }} as at_ms,
            {{ ms_played }} as ms_played,
            duration_ms
        from {{ ref('int_observations') }}
        where source = '{{ source }}' and content = 'music' and not is_repeat
    ),

    -- the start of a stream without a pause
    sharp_windows as (
        select
            play_key,
            match_key,
            ended_ms - ms_played - 5000 - {{ blur_ms }} as from_ms,
            ended_ms + blur_ms - ms_played + 5000 as to_ms
        from plays
    ),

    -- short pauses, and clocks that differ; a play that only the API tells may have been cut short
    wide_windows as (
        select
            play_key,
            match_key,
            ended_ms - greatest(ms_played, duration_ms) - {{ slack('duration_ms') }} - {{ blur_ms }} as from_ms,
            case
                when source = 'api' then greatest(ended_ms - 25000, ended_ms - ms_played + 5000)
                else ended_ms + blur_ms - ms_played + 20000
            end as to_ms
        from plays
    ),

    {{ match_sharp_then_wide('near', 'sharp_windows', 'wide_windows', 'observations') }},

    far_plays as ({{ left_over('plays', 'play_key', ['near']) }}),

    far_points as ({{ left_over('observations', 'observation_key', ['near']) }}),

    -- long pauses; and the API's time may be the start
    far_windows as (
        select
            play_key,
            match_key,
            ended_ms - greatest(ms_played, duration_ms) - 900000 - {{ blur_ms }} as from_ms,
            ended_ms + blur_ms + 5000 as to_ms
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
            ended_ms - ms_played - 20000 - {{ blur_ms }} as from_ms,
            ended_ms + blur_ms - ms_played + 5000 as to_ms,
            {{ title_of('match_key') }} as title
        from nameless_plays
        where source in ('extended', 'account')
    ),

    {{ match_pass('nameless', 'nameless_windows', 'nameless_points', same_title_or_none(), 300000) }},

    {{ rest_of_feed(
        ['near', 'far', 'nameless'],
        'at_ms + coalesce(ms_played, duration_ms, 30000)',
        'coalesce(ms_played, duration_ms, 30000)'
    ) }}
{%- endmacro %}
