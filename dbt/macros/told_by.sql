{# what one feed says about a play, among the rows of all feeds grouped by play #}
{% macro told_by(feed, column) -%}
    max(case when source = '{{ feed }}' then {{ column }} end)
{%- endmacro %}
