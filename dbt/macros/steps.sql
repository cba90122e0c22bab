{#
    Spark writes the plan of a query out in full: a step that is named twice is planned and run twice, and one below five
    such steps thirty-two times; matching has a hundred. So on Spark, in models with `meta: {steps: true}`, each step that
    is named more than once becomes a table of its own, dropped when the model is made. DuckDB needs none of this.
#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if temporary or not model.config.meta.get('steps') -%}
        {{ dbt.spark__create_table_as(temporary, relation, as_declared(compiled_code), language) }}
    {%- else -%}
        {%- set told = [] -%}
        {%- set steps = steps_of(compiled_code) -%}
        {%- for step in steps[:-1] -%}
            {%- if step_uses(step, steps[loop.index:]) > 1 -%}
                {%- set place = relation.schema ~ '.' ~ relation.identifier ~ '__' ~ step.name -%}
                {%- do run_query('drop table if exists ' ~ place) -%}
                {%- do run_query('create table ' ~ place ~ ' using parquet as ' ~ with_steps(told) ~ step.code) -%}
                {%- do told.append({'name': step.name, 'code': 'select * from ' ~ place}) -%}
            {%- else -%}
                {%- do told.append(step) -%}
            {%- endif -%}
        {%- endfor -%}
        {{ dbt.spark__create_table_as(temporary, relation, with_steps(told) ~ steps[-1].code, language) }}
    {%- endif -%}
{%- endmacro %}

{# the named steps of `with a as (...), b as (...) select ...`, in order; the last one has no name #}
{% macro steps_of(code) -%}
    {%- set found = [] -%}
    {%- set at = namespace(depth=0, head='', body='') -%}
    {%- for token in modules.re.findall("'[^']*'|--[^\\n]*|[()]|[^'()-]+|-", code) if not token.startswith('--') -%}
        {%- set at.depth = at.depth - (1 if token == ')' else 0) -%}
        {%- if at.depth > 0 -%}
            {%- set at.body = at.body ~ token -%}
        {%- elif token == ')' -%}
            {%- do found.append({'name': modules.re.findall('\\w+', at.head)[-2], 'code': at.body}) -%}
            {%- set at.head = '' -%}
            {%- set at.body = '' -%}
        {%- elif token != '(' -%}
            {%- set at.head = at.head ~ token -%}
        {%- endif -%}
        {%- set at.depth = at.depth + (1 if token == '(' else 0) -%}
    {%- endfor -%}
    {%- do found.append({'name': '', 'code': at.head}) -%}
    {{ return(found) }}
{%- endmacro %}

{% macro step_uses(step, later) -%}
    {{ return(modules.re.findall('(?:from|join)\\s+' ~ step.name ~ '\\b', later | map(attribute='code') | join('\n')) | length) }}
{%- endmacro %}

{% macro with_steps(steps) -%}
    {%- set named = [] -%}
    {%- for step in steps -%}
        {%- do named.append(step.name ~ ' as (' ~ step.code ~ ')') -%}
    {%- endfor -%}
    {{ return('with ' ~ named | join(', ') ~ ' ' if named else '') }}
{%- endmacro %}

{# the columns of a contract, in its order and its types: Spark counts rows in int, for one #}
{% macro as_declared(code) -%}
    {%- set kinds = {'varchar': 'string', 'varchar[]': 'array<string>', 'timestamptz': 'timestamp'} -%}
    {%- set columns = model.columns.values() | selectattr('data_type') | list -%}
    {%- if this.schema != 'gold' or not columns -%}
        {{ return(code) }}
    {%- endif -%}
    {%- set cells = [] -%}
    {%- for column in columns -%}
        {%- do cells.append('cast(' ~ column.name ~ ' as ' ~ kinds.get(column.data_type, column.data_type) ~ ') as ' ~ column.name) -%}
    {%- endfor -%}
    {{ return('select ' ~ cells | join(', ') ~ ' from (' ~ code ~ ') as made') }}
{%- endmacro %}

{# after the model is made #}
{% macro drop_steps() -%}
    {%- if execute and target.type == 'spark' and model.config.meta.get('steps') -%}
        {%- for row in run_query('show tables in ' ~ this.schema ~ " like '" ~ this.identifier ~ "__*'") -%}
            {%- do run_query('drop table ' ~ this.schema ~ '.' ~ row['tableName']) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
