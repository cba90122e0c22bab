{#
    The warehouse's side of a gold table. A model of models/serve is one call of serve(); its columns, descriptions,
    keys and tests are those of the gold model, read from the graph, so that nothing is written twice.

    data flow: landing.<table> (rows of the audited build) -> candidate.<table> (keys, checks, indexes, comments)

    In the target serve every gold model stands for its landed table: see generate_schema_name.
#}
{% macro serve(table) -%}
    {{ config(alias=table) }}
    select * from {{ ref(table) }}
{%- endmacro %}

{# the gold model that a serve model stands for #}
{% macro serve_gold(node) -%}
    {{ return(graph.nodes[node.depends_on.nodes[0]]) }}
{%- endmacro %}

{% macro serve_names(names) -%}
    {% set quoted = [] -%}
    {% for name in names -%}
        {% do quoted.append(adapter.quote(name)) -%}
    {% endfor -%}
    {{ return(quoted | join(', ')) }}
{%- endmacro %}

{# the contract holds again: exactly the declared columns, in the types that the landed build has #}
{% macro serve_assert_columns(gold, landed) -%}
    {% set found = adapter.get_columns_in_relation(landed) | map(attribute='name') | list -%}
    {% set declared = gold.columns.values() | map(attribute='name') | list -%}
    {% if found | sort != declared | sort -%}
        {% do exceptions.raise_compiler_error(
            "contract of " ~ gold.name ~ ": declared " ~ declared | join(', ') ~ ", landed " ~ found | join(', ')
        ) -%}
    {% endif -%}
{%- endmacro %}

{# not null from the contract and the key; a check for the values that a column takes #}
{% macro serve_checks(gold) -%}
    {% set changes = [] -%}
    {% for column in gold.columns.values() -%}
        {% if 'not_null' in column.constraints | map(attribute='type') | map('string') | list -%}
            {% do changes.append('alter column ' ~ adapter.quote(column.name) ~ ' set not null') -%}
        {% endif -%}
    {% endfor -%}
    {% for test in serve_tests(gold, 'holds') -%}
        {% for column, taken in test.test_metadata.kwargs.get('values', {}).items() -%}
            {% set values = [] -%}
            {% for value in taken -%}
                {% do values.append(dbt.string_literal(dbt.escape_single_quotes(value))) -%}
            {% endfor -%}
            {% do changes.append('add check (' ~ adapter.quote(column) ~ ' in (' ~ values | join(', ') ~ '))') -%}
        {% endfor -%}
    {% endfor -%}
    {{ return(changes) }}
{%- endmacro %}

{# unconditional tests of one kind on a model #}
{% macro serve_tests(gold, kind) -%}
    {% set found = [] -%}
    {% for test in graph.nodes.values() -%}
        {% if test.resource_type == 'test' and test.attached_node == gold.unique_id
            and test.test_metadata and test.test_metadata.name == kind
            and not test.config.where and test.config.severity | lower == 'error' -%}
            {% do found.append(test) -%}
        {% endif -%}
    {% endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# columns that dashboards filter and join by: times, dates, and ids that are not the key's first column #}
{% macro serve_indexed(gold) -%}
    {% set indexed = gold.config.meta.get('indexes') -%}
    {% if indexed is not none -%}
        {{ return(indexed) }}
    {% endif -%}
    {% set found = [] -%}
    {% for column in gold.columns.values() -%}
        {% if (column.name.endswith('_id') or column.name in ('played_at', 'played_on'))
            and column.name != gold.config.meta.primary_key[0] -%}
            {% do found.append(column.name) -%}
        {% endif -%}
    {% endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# keys come after the load: a foreign key in the table's definition is checked row by row, many times slower #}
{% macro serve_foreign_keys(results) -%}
    {% if execute and target.name == 'serve' and results | rejectattr('status', 'in', ['success', 'pass']) | list == [] -%}
        {% for result in results -%}
            {% if result.node.config.materialized == 'serve' -%}
                {% set gold = serve_gold(result.node) -%}
                {% for test in serve_tests(gold, 'relationships') -%}
                    {% do run_query(serve_foreign_key(result.node, test)) -%}
                {% endfor -%}
            {% endif -%}
        {% endfor -%}
        {% do run_query('commit') -%}
    {% endif -%}
{%- endmacro %}

{% macro serve_foreign_key(node, test) -%}
    {% set kwargs = test.test_metadata.kwargs -%}
    {% set other = kwargs['to'].split("'")[1] -%}
    {% set place = adapter.quote(node.schema) -%}
    alter table {{ place }}.{{ adapter.quote(node.alias) }}
        add foreign key ({{ adapter.quote(test.column_name) }})
        references {{ place }}.{{ adapter.quote(other) }} ({{ adapter.quote(kwargs['field']) }})
{%- endmacro %}
