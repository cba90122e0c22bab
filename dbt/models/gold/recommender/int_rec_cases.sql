{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{# a case is a day on which one could have asked: what is before it is known, the week from it is what came true #}
{% set cases = 26 %}
{% set horizon_days = 7 %}
{% set least_history_days = 60 %}

with

days as (
    select
        min(played_on) as first_on,
        max(played_on) as last_on
    from {{ ref('daily_listening') }}
),

numbers as (
    select {{ unnest_range('cast(0 as bigint)', 'cast(' ~ cases ~ ' as bigint)') }} as case_id
),

dated as (
    select
        numbers.case_id,
        cast(days.last_on + 1 - cast(numbers.case_id * {{ horizon_days }} as integer) as date) as cut_on,
        days.first_on
    from numbers
    cross join days
),

-- case 0 is today: nothing is known to have come true yet
final as (
    select
        case_id,
        cut_on,
        cast(cut_on + {{ horizon_days - 1 }} as date) as until_on
    from dated
    where first_on is not null and (case_id = 0 or cut_on >= first_on + {{ least_history_days }})
)

select * from final
