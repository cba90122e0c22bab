{# what a play is, told once #}

{# the play rule; what the listener excludes is never counted #}
{% macro gold_is_counted() -%}
    (not is_excluded and {{ is_long_enough('ms_played', 'duration_ms') }})
{%- endmacro %}

{# heard to its end: told so by the feed, else nine tenths of a known length; estimated times prove nothing #}
{% macro gold_is_finished() -%}
    (
        coalesce(reason_end = 'trackdone', false)
        or coalesce(not is_ms_played_estimated and ms_played * 10 >= duration_ms * 9, false)
    )
{%- endmacro %}

{# names are compared without case and outer blanks #}
{% macro gold_name_key(name) -%}
    {{ small_letters('trim(' ~ name ~ ')') }}
{%- endmacro %}

{# stable id of what is known by its names alone #}
{% macro gold_name_id(names) -%}
    'name:' || md5({% for name in names %}coalesce({{ gold_name_key(name) }}, ''){% if not loop.last %} || {{ unit_separator() }} || {% endif %}{% endfor %})
{%- endmacro %}

{# what streams of one name tell: plays, hours, skips and days #}
{% macro gold_listened_of_streams() -%}
    {{ gold_count_if('is_counted') }} as plays,
    {{ gold_sum_if('ms_played', 'is_counted') }} as ms_played,
    count(*) as streams,
    {{ gold_count_if('is_skipped') }} as skips,
    {{ gold_count_if('is_finished') }} as finishes,
    min(case when is_counted then played_at end) as first_played_at,
    max(case when is_counted then played_at end) as last_played_at,
    min(case when is_counted then played_on end) as first_played_on,
    max(case when is_counted then played_on end) as last_played_on
{%- endmacro %}

{# the same over rows that tell it already, such as all names of one recording #}
{% macro gold_listened_of_names() -%}
    {% for number in ['plays', 'ms_played', 'streams', 'skips', 'finishes'] -%}
        {{ gold_sum(number) }} as {{ number }},
    {% endfor -%}
    min(first_played_at) as first_played_at,
    max(last_played_at) as last_played_at,
    min(first_played_on) as first_played_on,
    max(last_played_on) as last_played_on
{%- endmacro %}

{# whether a feed told what was played: streams without names are no song of their own, though they count as time #}
{% macro gold_is_named(kinds) -%}
    ({% for kind in kinds %}{{ kind }}_name <> 'Unknown {{ kind | capitalize }}'{% if not loop.last %} and {% endif %}{% endfor %})
{%- endmacro %}
