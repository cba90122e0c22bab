{#
    Tables and views of the build file, replaced in one transaction of their own. dbt-duckdb makes each under another
    name, renames it and the old one, and drops that: twelve percent of a small run's time in Python, for readers that
    this file, which is private until it is whole, does not have.
#}
{% materialization table, adapter='duckdb' -%}
    {% set built = replaced_relation('table') -%}
    {% call statement('main') -%}
        {{ create_table_as(false, built, compiled_code) }}
    {%- endcall %}
    {{ return(finished_relation(built)) }}
{%- endmaterialization %}

{% materialization view, adapter='duckdb' -%}
    {% set built = replaced_relation('view') -%}
    {% call statement('main') -%}
        {{ create_view_as(built, compiled_code) }}
    {%- endcall %}
    {{ return(finished_relation(built)) }}
{%- endmaterialization %}

{% macro replaced_relation(kind) -%}
    {% set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% if existing is not none -%}
        {% call statement('replaced') -%}
            {%- if kind == 'table' and env_var('LAKEHOUSE_FRESH_FROM', '') and config.get('meta', {}).get('keeps_before') -%}
                alter table {{ existing }} rename to {{ existing.identifier }}__before
            {%- else -%}
                drop {{ existing.type }} {{ existing }}
            {%- endif -%}
        {%- endcall %}
    {%- endif %}
    {{ return(this.incorporate(type=kind)) }}
{%- endmacro %}

{% macro finished_relation(built) -%}
    {% do persist_docs(built, model) -%}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() -%}
    {{ return({'relations': [built]}) }}
{%- endmacro %}
