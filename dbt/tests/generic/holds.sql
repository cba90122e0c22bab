{#
    What holds in every row of a model, asked in one query. A row of the answer is a rule that is broken, and how many rows break it.

    keys: columns, or lists of columns, that no two rows share and that are filled
    filled: further columns without a null
    values: the values that a column takes, by column; null is none of its faults
    rules: expressions that are true; a row for which one is null breaks it too
    open: the rows to look at, each beside all others; the rest held when it was last looked at, and stayed as it was
#}
{% test holds(model, keys=[], filled=[], values={}, rules=[], open='true') %}

{%- set columns = [] -%}
{%- for key in keys -%}
    {%- do columns.extend([key] if key is string else key) -%}
{%- endfor -%}
{%- set faults = [] -%}
{%- for column in (columns + filled) | unique -%}
    {%- do faults.append((column ~ ' is filled', column ~ ' is null')) -%}
{%- endfor -%}
{%- for column, taken in values.items() -%}
    {%- set texts = [] -%}
    {%- for value in taken -%}
        {%- do texts.append("'" ~ value | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {%- do faults.append((column ~ ' is one of ' ~ taken | join(', '), column ~ ' not in (' ~ texts | join(', ') ~ ')')) -%}
{%- endfor -%}
{%- for rule in rules -%}
    {%- do faults.append((rule, 'coalesce(not (' ~ rule ~ '), true)')) -%}
{%- endfor %}

with
opened as (
    select * from {{ model }}
    where {{ open }}
),

counted as (
    select
        {%- for _, fault in faults %}
        count(*) filter (where {{ fault }}) as fault_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from opened
),

told as (
    {%- for rule, _ in faults %}
    select '{{ rule | replace("'", "''") }}' as rule, fault_{{ loop.index }} as broken_by from counted
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- for key in keys %}
    {%- set key = key if key is string else key | join(', ') %}
    union all
    select '{{ key }} is unique' as rule, coalesce(sum(copies), 0) as broken_by
    from (
        select count(*) as copies from {{ model }}
        {%- if open != 'true' %}
        semi join opened using ({{ key }})
        {%- endif %}
        group by {{ key }}
        having count(*) > 1
    ) as repeated
    {%- endfor %}
)

select * from told
where broken_by > 0

{% endtest %}
