{# months, years and all time from daily sums: the shared steps of every ranking #}

{#
    ctes `months`, `years`, `periods` over a relation of daily sums, one row per period and `keys`; `prefix` keeps two sets
    apart. All time begins with the first of `days`, be any of the keys played on it or not.
#}
{% macro gold_periods(keys, relation='daily', prefix='') -%}
{%- set columns = keys | join(', ') -%}
{{ prefix }}months as (
    select
        {{ gold_month('played_on') }} as period_start,
        {{ columns }},
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from {{ relation }}
    group by {{ gold_month('played_on') }}, {{ columns }}
),

{{ prefix }}years as (
    select
        {{ gold_year('period_start') }} as period_start,
        {{ columns }},
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from {{ prefix }}months
    group by {{ gold_year('period_start') }}, {{ columns }}
),

{{ prefix }}first_day as (
    select min(played_on) as played_on
    from days
),

{{ prefix }}all_time as (
    select
        {{ columns }},
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from {{ prefix }}years
    group by {{ columns }}
),

{{ prefix }}periods as (
    select
        'month' as period,
        period_start,
        {{ columns }},
        plays,
        ms_played,
        first_played_at,
        last_played_at
    from {{ prefix }}months
    union all
    select
        'year' as period,
        period_start,
        {{ columns }},
        plays,
        ms_played,
        first_played_at,
        last_played_at
    from {{ prefix }}years
    union all
    select
        'all' as period,
        {{ prefix }}first_day.played_on as period_start,
        {% for key in keys %}all_time.{{ key }},
        {% endfor %}all_time.plays,
        all_time.ms_played,
        all_time.first_played_at,
        all_time.last_played_at
    from {{ prefix }}all_time as all_time
    cross join {{ prefix }}first_day
)
{%- endmacro %}

{# ctes `gap_periods`, `ranked`, `compared` over `relation`; `id` breaks the last tie #}
{% macro gold_ranks(key, id, relation='periods') -%}
gap_periods as (
    select distinct
        'month' as period,
        {{ gold_month('gap_on') }} as period_start
    from gap_days
    union all
    select distinct
        'year' as period,
        {{ gold_year('gap_on') }} as period_start
    from gap_days
    union all
    select distinct
        'all' as period,
        first_day.played_on as period_start
    from gap_days
    cross join first_day
),

ranked as (
    select
        *,
        case
            when period = 'month' then cast(period_start - interval '1' month as date)
            when period = 'year' then cast(period_start - interval '1' year as date)
        end as previous_start,
        row_number() over (
            partition by period, period_start
            order by plays desc, ms_played desc, {{ id }} asc, {{ key }} asc
        ) as rank
    from {{ relation }} as periods
),

compared as (
    select
        ranked.*,
        before.rank as previous_rank,
        before.plays as previous_plays,
        gap_periods.period is not null as is_minimum
    from ranked
    left join ranked as before
        on
            ranked.period = before.period
            and ranked.previous_start = before.period_start
            and ranked.{{ key }} = before.{{ key }}
    left join gap_periods
        on ranked.period = gap_periods.period and ranked.period_start = gap_periods.period_start
)
{%- endmacro %}
