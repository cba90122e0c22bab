{#
    Schemas are named as written: no prefix of the target, so that gold is gold everywhere. In the target serve a gold
    model stands for its landed table, so that ref() leads from the build to the warehouse in one graph.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set schema = (custom_schema_name or target.schema) | trim -%}
    {{ 'landing' if target.name == 'serve' and schema == 'gold' else schema }}
{%- endmacro %}
