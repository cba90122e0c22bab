{# the listener's calendar: an instant is told in the zone of var timezone before a date or an hour is read from it #}

{% macro gold_local(instant) -%}
    {{ return(adapter.dispatch('gold_local', 'lakehouse')(instant)) }}
{%- endmacro %}

{% macro default__gold_local(instant) -%}
    timezone('{{ var("timezone") }}', {{ instant }})
{%- endmacro %}

{% macro spark__gold_local(instant) -%}
    from_utc_timestamp({{ instant }}, '{{ var("timezone") }}')
{%- endmacro %}

{% macro gold_local_date(instant) -%}
    cast({{ gold_local(instant) }} as date)
{%- endmacro %}

{# ISO weekday of a date: Monday 1 to Sunday 7, whatever the week start #}
{% macro gold_weekday(day) -%}
    {{ return(adapter.dispatch('gold_weekday', 'lakehouse')(day)) }}
{%- endmacro %}

{% macro default__gold_weekday(day) -%}
    cast(isodow({{ day }}) as bigint)
{%- endmacro %}

{% macro spark__gold_weekday(day) -%}
    cast(weekday({{ day }}) + 1 as bigint)
{%- endmacro %}

{% macro gold_week_start_number() -%}
    {%- set days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] -%}
    {%- set wanted = var('week_start') | lower -%}
    {%- if wanted not in days -%}
        {{ exceptions.raise_compiler_error("week_start must be one of " ~ days | join(', ') ~ ", not " ~ wanted) }}
    {%- endif -%}
    {{ return(days.index(wanted) + 1) }}
{%- endmacro %}

{# place of an ISO weekday in the listener's week: 1 is the day of var week_start #}
{% macro gold_week_place(weekday) -%}
    cast(({{ weekday }} + 7 - {{ gold_week_start_number() }}) % 7 + 1 as bigint)
{%- endmacro %}

{% macro gold_week_starts_on(day) -%}
    {{ gold_add_days(day, '1 - ' ~ gold_week_place(gold_weekday(day))) }}
{%- endmacro %}

{% macro gold_month(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{% macro gold_year(day) -%}
    cast(date_trunc('year', {{ day }}) as date)
{%- endmacro %}

{% macro gold_add_days(day, days) -%}
    {{ return(adapter.dispatch('gold_add_days', 'lakehouse')(day, days)) }}
{%- endmacro %}

{% macro default__gold_add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro spark__gold_add_days(day, days) -%}
    date_add({{ day }}, cast({{ days }} as int))
{%- endmacro %}

{# whole days from one date to a later one #}
{% macro gold_days_between(earlier, later) -%}
    {{ return(adapter.dispatch('gold_days_between', 'lakehouse')(earlier, later)) }}
{%- endmacro %}

{% macro default__gold_days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as bigint)
{%- endmacro %}

{% macro spark__gold_days_between(earlier, later) -%}
    cast(datediff({{ later }}, {{ earlier }}) as bigint)
{%- endmacro %}

{# milliseconds from one instant to a later one #}
{% macro gold_ms_between(earlier, later) -%}
    cast({{ to_ms(later) }} - {{ to_ms(earlier) }} as bigint)
{%- endmacro %}

{# one row per date from the first to the last, both included, #}
{% macro gold_each_date(first_date, last_date) -%}
    {{ return(adapter.dispatch('gold_each_date', 'lakehouse')(first_date, last_date)) }}
{%- endmacro %}

{% macro default__gold_each_date(first_date, last_date) -%}
    unnest(cast(generate_series({{ first_date }}, {{ last_date }}, interval 1 day) as date[]))
{%- endmacro %}

{% macro spark__gold_each_date(first_date, last_date) -%}
    explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day))
{%- endmacro %}

{# the last value known so far: nulls keep what was before #}
{% macro gold_last_known(value, ordering) -%}
    {{ return(adapter.dispatch('gold_last_known', 'lakehouse')(value, ordering)) }}
{%- endmacro %}

{% macro default__gold_last_known(value, ordering) -%}
    last_value({{ value }} ignore nulls)
        over (order by {{ ordering }} rows between unbounded preceding and current row)
{%- endmacro %}

{% macro spark__gold_last_known(value, ordering) -%}
    last_value({{ value }}) ignore nulls
        over (order by {{ ordering }} rows between unbounded preceding and current row)
{%- endmacro %}
