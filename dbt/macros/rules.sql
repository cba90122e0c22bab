{#
    The listener's rules as steps of a model that imports them as `rules`. Two rules for one thing have one outcome,
    whatever the order of their rows.
#}

{# new names of artists, albums or tracks, by `item_id`, or by `item_name` for what no id is given of #}
{% macro renames(kind, by) -%}
    select
        {{ by }},
        min(new_name) as new_name
    from rules
    where file = 'rename.csv' and kind = '{{ kind }}' and {{ by }} is not null
        {%- if by == 'item_name' %} and item_id is null {%- endif %}
    group by {{ by }}
{%- endmacro %}

{# what counts as another artist, album or track #}
{% macro mergers(kind) -%}
    select
        from_id,
        min(into_id) as into_id
    from rules
    where file = 'merge.csv' and kind = '{{ kind }}'
    group by from_id
{%- endmacro %}
