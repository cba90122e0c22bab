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
