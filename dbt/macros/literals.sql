{#
    Lists written as Python literals (`['a', "b's"]`). Read by pattern, never evaluated; a list cut off by a narrow
    column gives its whole members; text that is no list is a list of one.
#}
{% macro python_list(text) -%}
    case
        when {{ text }} is null or trim({{ text }}) = '' then null
        when trim({{ text }}) like '[%'
            then {{ map_list(
                regexp_all(text, "\\x27(?:[^\\x27\\\\]|\\\\.)*\\x27|\\x22(?:[^\\x22\\\\]|\\\\.)*\\x22"),
                without_nul(without_backslashes('substring(x, 2, length(x) - 2)'))
            ) }}
        else {{ one_text(without_nul(text)) }}
    end
{%- endmacro %}

{# each backslash goes, what it protects stays #}
{% macro without_backslashes(text) -%}
    {{ return(adapter.dispatch('without_backslashes', 'lakehouse')(text)) }}
{%- endmacro %}

{% macro default__without_backslashes(text) -%} regexp_replace({{ text }}, '\\(.)', '\1', 'g') {%- endmacro %}
{% macro spark__without_backslashes(text) -%} regexp_replace({{ text }}, r'\\(.)', '$1') {%- endmacro %}

{% macro one_text(text) -%} {{ return(adapter.dispatch('one_text', 'lakehouse')(text)) }} {%- endmacro %}
{% macro default__one_text(text) -%} [trim({{ text }})] {%- endmacro %}
{% macro spark__one_text(text) -%} array(trim({{ text }})) {%- endmacro %}

{# first day of a period written as a year, a month or a day; null where it is none of them, and for the year 0000 #}
{% macro first_day(text) -%}
    case when {{ text }} like '0000%' then null else case length({{ text }})
        when 4 then try_cast({{ text }} || '-01-01' as date)
        when 7 then try_cast({{ text }} || '-01' as date)
        when 10 then try_cast({{ text }} as date)
    end end
{%- endmacro %}

{# whole number from a column that holds it as an integer, a float or text; null where it is none #}
{% macro whole_number(value) -%} try_cast(try_cast({{ value }} as double) as bigint) {%- endmacro %}

{# the longest that a track or a play can be: a month, as in imports; beyond is damage, and more rows than fit into memory #}
{% macro longest_ms() -%} 2678400000 {%- endmacro %}

{# a length in ms as a source tells it; null where it is none, be it 0, less, or longer than a month #}
{% macro length_ms(value) -%}
    case when {{ whole_number(value) }} between 1 and {{ longest_ms() }} then {{ whole_number(value) }} end
{%- endmacro %}

{# text without NUL characters, which Postgres cannot hold: one such name would stop every publication #}
{% macro without_nul(text) -%} replace({{ text }}, chr(0), '') {%- endmacro %}

{# a column of the catalog as text #}
{% macro catalog_text(column) -%} {{ without_nul('cast(' ~ column ~ ' as ' ~ text_type() ~ ')') }} {%- endmacro %}

{#
    Load ids are times with fractions: compared as numbers, since text of another length sorts otherwise. dlt writes them as
    Python writes a float, so a double is exact; to a decimal, DuckDB casts ten million of them in minutes.
#}
{% macro load_number(load_id) -%} try_cast({{ load_id }} as double) {%- endmacro %}
