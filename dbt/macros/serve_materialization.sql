{# one transaction per table: made like the landed table, loaded, then keys, checks, indexes and comments #}
{% materialization serve, adapter='postgres' -%}
    {% set gold = serve_gold(model) -%}
    {% set landed = ref(gold.name) -%}
    {% set candidate = this.incorporate(type='table') -%}
    {% set columns = serve_names(gold.columns.values() | map(attribute='name') | list) -%}
    {% do serve_assert_columns(gold, landed) -%}

    {% call statement('main') -%}
        drop table if exists {{ candidate }};
        create table {{ candidate }} (like {{ landed }});
        insert into {{ candidate }} ({{ columns }}) select {{ columns }} from {{ landed }};
        {# in one statement, since each would read the whole table #}
        alter table {{ candidate }} add primary key ({{ serve_names(gold.config.meta.primary_key) }})
        {%- for change in serve_checks(gold) %},
            {{ change }}
        {%- endfor %};
        {%- for column in serve_indexed(gold) %}
        create index on {{ candidate }} ({{ serve_names([column]) }});
        {%- endfor %}
        analyze {{ candidate }}
    {%- endcall %}
    {% do run_query(alter_relation_comment(candidate, gold.description)) -%}
    {% do run_query(alter_column_comment(candidate, gold.columns)) -%}
    {% do adapter.commit() -%}
    {{ return({'relations': [candidate]}) }}
{%- endmaterialization %}
