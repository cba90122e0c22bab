{#
    The rows of an export's table that count, with the kind of their file: a file that two imports brought counts once,
    as the first of them brought it.
#}
{% macro export_rows(table) -%}
    rows_of_source as (
        select * from {{ source('spotify_export', table) }}
    ),

    files as (
        select file_id, kind, _dlt_load_id from {{ ref('stg_spotify_export__files') }}
    ),

    first_imports as (
        select rows_of_source.*, files.kind
        from rows_of_source
        inner join files on rows_of_source.file_id = files.file_id and rows_of_source._dlt_load_id = files._dlt_load_id
    )
{%- endmacro %}
