with

daily as (
    select * from {{ ref('daily_clock') }}
),

weekdays as (
    select {{ unnest_range('cast(1 as bigint)', 'cast(7 as bigint)') }} as weekday
),

hours as (
    select {{ unnest_range('cast(0 as bigint)', 'cast(23 as bigint)') }} as hour
),

cells as (
    select
        weekdays.weekday,
        hours.hour
    from weekdays
    cross join hours
),

summed as (
    select
        weekday,
        hour,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played
    from daily
    group by weekday, hour
),

-- a play that was missed may be of anything, at any time
gaps as (
    select count(*) > 0 as is_minimum
    from {{ ref('int_gap_days') }}
),

final as (
    select
        cells.weekday,
        cells.hour,
        coalesce(summed.plays, 0) as plays,
        coalesce(summed.ms_played, 0) as ms_played,
        {{ gold_week_place('cells.weekday') }} as week_place,
        gaps.is_minimum
    from cells
    left join summed on cells.weekday = summed.weekday and cells.hour = summed.hour
    cross join gaps
)

select * from final
