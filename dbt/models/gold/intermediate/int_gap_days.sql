{{ config(schema='silver', contract={'enforced': false}, tags=['internal']) }}

with

gaps as (
    select * from {{ ref('int_completeness') }}
    where state = 'gap'
),

gap_dates as (
    select
        {{ gold_local_date('from_at') }} as from_on,
        {{ gold_local_date('to_at') }} as to_on
    from gaps
),

spread as (
    select {{ gold_each_date('from_on', 'to_on') }} as gap_on
    from gap_dates
),

final as (
    select distinct gap_on
    from spread
)

select * from final
