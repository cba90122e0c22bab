with

daily as (
    select * from {{ ref('daily_listening') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

summed as (
    select
        week_starts_on,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        count(*) as days,
        {{ gold_sum('new_artists') }} as new_artists,
        {{ gold_sum('new_tracks') }} as new_tracks
    from daily
    group by week_starts_on
),

gap_weeks as (
    select distinct {{ gold_week_starts_on('gap_on') }} as week_starts_on
    from gap_days
),

final as (
    select
        summed.week_starts_on,
        {{ gold_add_days('summed.week_starts_on', 6) }} as week_ends_on,
        summed.plays,
        summed.ms_played,
        summed.days,
        summed.new_artists,
        summed.new_tracks,
        gap_weeks.week_starts_on is not null as is_minimum
    from summed
    left join gap_weeks on summed.week_starts_on = gap_weeks.week_starts_on
)

select * from final
