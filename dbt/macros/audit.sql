{#
    The audit at the end of a build that leaves the tests out, as the flow's does: every test of what was built, one query
    each. As nodes of dbt, which they are for `dbt test` and for `dbt build` by hand, they cost a run as much as the
    models. What is broken is left in the table `audit.broken_rules`, which is empty where all holds. Where a new play
    leaves rows as they are (`meta.at`, see settled.sql), these are not looked at again: the last build found them good.
#}
{% macro audit(results) -%}
    {%- if execute and target.name == 'lake' and flags.WHICH == 'build' and not any_test(selected_resources) -%}
        {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
        {%- call statement() -%}
            create schema if not exists audit;
            create or replace table audit.broken_rules (model varchar, rule varchar, broken_by bigint)
        {%- endcall -%}
        {%- for test in graph.nodes.values() if test.resource_type == 'test' -%}
            {#- what was not built is the warehouse's, or failed and is told by itself; a source is always there -#}
            {%- if test.depends_on.nodes | select('in', graph.nodes) | reject('in', built) | list == [] -%}
                {%- call statement() -%} insert into audit.broken_rules {{ audit_query(test) }} {%- endcall -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do run_query('commit') -%}
    {%- endif -%}
{%- endmacro %}

{% macro any_test(resources) -%}
    {{ return(resources | map('truncate', 5, true, '', 0) | select('equalto', 'test.') | list != []) }}
{%- endmacro %}

{# model, rule and the number of rows that break it, of one test #}
{% macro audit_query(test) -%}
    {%- set model = graph.nodes.get(test.attached_node) -%}
    {%- set kind, given = test.get('test_metadata', {}).get('name'), test.get('test_metadata', {}).get('kwargs') -%}
    {%- if test.config.where or test.config.severity | lower != 'error' -%}
        {{ exceptions.raise_compiler_error('the audit knows no where and no severity, as of the test ' ~ test.name) }}
    {%- elif kind == 'holds' -%}
        {%- set meta = model.config.meta -%}
        {%- set open = is_open(meta.at, meta.get('settled', 'int_settled')) | trim if meta.get('at') else 'true' -%}
        {%- set args = [given.get('keys', []), given.get('filled', []), given.get('values', {}), given.get('rules', []), open] -%}
        select '{{ model.name }}', rule, broken_by from ({{ test_holds(model.relation_name, *args) }}) as answer
    {%- elif kind == 'relationships' -%}
        {%- set other = graph.nodes[test.depends_on.nodes | reject('equalto', test.attached_node) | first] -%}
        select '{{ model.name }}', '{{ given.column_name }} is found in {{ other.name }}', count(*)
        from ({{ test_relationships(model.relation_name, given.column_name, other.relation_name, given.field) }}) as answer
        having count(*) > 0
    {%- else -%}
        {{ exceptions.raise_compiler_error('the audit does not know the test ' ~ test.name ~ ': see macros/audit.sql') }}
    {%- endif -%}
{%- endmacro %}
