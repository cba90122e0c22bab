with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

summed as (
    select
        {{ gold_month('played_on') }} as month,
        coalesce(platform, 'unknown') as platform,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(played_on) as first_played_on,
        max(played_on) as last_played_on
    from plays
    group by {{ gold_month('played_on') }}, coalesce(platform, 'unknown')
),

gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        summed.*,
        gap_months.month is not null as is_minimum
    from summed
    left join gap_months on summed.month = gap_months.month
)

select * from final
