{#
    What a new play leaves as it is. `int_settled` says before which moment no play can differ from the last build; a
    model of materialization `tail` keeps its rows from before that moment and makes the others again, out of inputs that
    `is_open` cuts off at the same moment. So the work follows what is new, and the rows are those of a full refresh.

    `meta.at` names the column of a model that has its time, be it a `tail` or a view whose old rows stay as they are.
    Columns whose name ends in `_ms` are milliseconds since 1970, those in `_on` dates of the listener, others instants.
    A row without a time is always made again. `by` and `meta.settled` name the model that tells the moment.
#}

{# a condition: may this row differ from the last build? With `days`, also some that cannot, so many days earlier #}
{% macro is_open(column, by='int_settled', days=0) -%}
    {%- set moment = settled_before(by) -%}
    {%- if moment is none -%} true
    {%- else -%} ({{ column }} >= {{ moment_as(column, "(timestamptz '" ~ moment ~ "' - interval " ~ days ~ " days)") }} or {{ column }} is null)
    {%- endif -%}
{%- endmacro %}

{% macro moment_as(column, instant) -%}
    {%- if column.endswith('_ms') -%} {{ to_ms(instant) }}
    {%- elif column.endswith('_on') -%} {{ gold_local_date(instant) }}
    {%- else -%} {{ instant }}
    {%- endif -%}
{%- endmacro %}

{# that moment in UTC as text; none where all is made: a first build, another engine, dbt alone, too much changed #}
{% macro settled_before(by) -%}
    {%- if not execute or target.type != 'duckdb' or not env_var('LAKEHOUSE_FRESH_FROM', '') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(run_query('select cast(settled_before as varchar) from ' ~ silver_place(by)).rows[0][0]) }}
{%- endmacro %}

{% macro silver_place(name) -%} {{ return(target.database ~ '.silver.' ~ name) }} {%- endmacro %}

{# what a table of silver held before this build; models with `meta: {keeps_before: true}` leave it to `int_settled` #}
{% macro before_of(name) -%} {{ return(silver_place(name ~ '__before')) }} {%- endmacro %}

{% macro drop_before() -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- for row in run_query("select table_name from duckdb_tables() where schema_name = 'silver' and suffix(table_name, '__before')").rows -%}
            drop table {{ silver_place(row[0]) }};
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% materialization tail, adapter='duckdb' -%}
    {% set meta = config.get('meta') -%}
    {% set by = meta.get('settled', 'int_settled') -%}
    {% if settled_before(by) is none -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif %}
    {% call statement('settled') -%}
        delete from {{ this }} where {{ is_open(meta.at, by) }}
    {%- endcall %}
    {% call statement('main') -%}
        insert into {{ this }} by name ({{ compiled_code }})
    {%- endcall %}
    {{ return(finished_relation(this.incorporate(type='table'))) }}
{%- endmaterialization %}

{% materialization tail, adapter='spark' -%} {{ return(materialization_table_spark()) }} {%- endmaterialization %}
