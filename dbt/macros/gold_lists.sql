{# lists of text, whose type and unfolding each engine spells its own way #}

{% macro gold_each_item(items) -%}
    {{ return(adapter.dispatch('gold_each_item')(items)) }}
{%- endmacro %}

{% macro default__gold_each_item(items) -%}
    unnest({{ items }})
{%- endmacro %}

{% macro spark__gold_each_item(items) -%}
    explode({{ items }})
{%- endmacro %}

{% macro gold_list_type() -%}
    {{ return(adapter.dispatch('gold_list_type')()) }}
{%- endmacro %}

{% macro default__gold_list_type() -%}
    varchar[]
{%- endmacro %}

{% macro spark__gold_list_type() -%}
    array<string>
{%- endmacro %}

{# one row per whole number from the first to the last, both included #}
{% macro gold_each_number(first_number, last_number) -%}
    {{ return(adapter.dispatch('gold_each_number')(first_number, last_number)) }}
{%- endmacro %}

{% macro default__gold_each_number(first_number, last_number) -%}
    unnest(generate_series(cast({{ first_number }} as bigint), cast({{ last_number }} as bigint)))
{%- endmacro %}

{% macro spark__gold_each_number(first_number, last_number) -%}
    explode(sequence(cast({{ first_number }} as bigint), cast({{ last_number }} as bigint)))
{%- endmacro %}
