{#
    The plays that a feed is matched with: the streams of the extended export, and of each feed that was matched before
    the observations that found no partner.
#}
{% macro plays_so_far(feeds) -%}
    select 'extended' as source, observation_key as play_key, match_key, ended_ms, 0 as blur_ms, ms_played, duration_ms, is_incognito
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
            observations.observation_key,
            case when not observations.is_repeat then coalesce(observations.play_key, observations.observation_key) end as play_key,
            observations.match_key,
            {{ ended_ms }} as ended_ms,
            0 as blur_ms,
            {{ ms_played }} as ms_played,
            coalesce(observations.duration_ms, {{ ms_played }}) as duration_ms,
            observations.is_repeat
        from judged as observations
    )
{%- endmacro %}
