{#
    The rows of a catalog table that are true now, from all extracts in bronze.

    The base is the newest complete extract that covers the whole table; rows of older loads are gone. A row that came
    with a partition counts only in the newest load that extracted this partition, so an emptied partition is seen. Of
    what is left the newest row per key counts, unless the key was found missing at the source since. A row without its
    key stays in bronze: nothing could refer to it.

    No select is used twice: that would keep DuckDB from reading only the columns that are asked for.
#}
{% macro catalog_rows(table, key) -%}
    rows_of_source as (
        select *, {{ load_number('_dlt_load_id') }} as load_number from {{ source('catalog', table) }}
    ),

    base as (
        select coalesce(max({{ load_number('_dlt_load_id') }}), 0) as load_number
        from {{ source('catalog', 'extracts') }}
        where table_name = '{{ table }}' and is_complete and lower_bound is null and partition is null
    ),

    partitions as (
        select partition, max({{ load_number('_dlt_load_id') }}) as load_number
        from {{ source('catalog', 'extracts') }}
        where table_name = '{{ table }}' and is_complete and partition is not null
        group by partition
    ),

    rows_since_base as (
        select * from rows_of_source
        where
            {{ key }} is not null
            and load_number >= (select load_number from base)
            and (_partition is null or (_partition, load_number) in (select partition, load_number from partitions))
    ),

    newest_rows as (
        {{ latest_per_key('rows_since_base', key, 'load_number desc, updated_at desc nulls last') }}
    ),

    tombstones as (
        select key as lost_key, max({{ load_number('_dlt_load_id') }}) as load_number
        from {{ source('catalog', 'tombstones') }}
        where table_name = '{{ table }}'
        group by key
    ),

    current_rows as (
        select newest_rows.*
        from newest_rows
        left join tombstones on newest_rows.{{ key }} = tombstones.lost_key
        where tombstones.load_number is null or tombstones.load_number < newest_rows.load_number
    )
{%- endmacro %}
