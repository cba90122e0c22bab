with

days as (
    select * from {{ ref('daily_listening') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

-- days in a row stand at the same distance from their own number
numbered as (
    select
        played_on,
        plays,
        ms_played,
        {{ gold_add_days('played_on', '-row_number() over (order by played_on)') }} as island
    from days
),

runs as (
    select
        min(played_on) as started_on,
        max(played_on) as ended_on,
        count(*) as days,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played
    from numbered
    group by island
),

last_day as (
    select max(played_on) as played_on
    from days
),

-- a gap inside hides plays, a gap beside may hide that the streak went on
minimums as (
    select distinct runs.started_on
    from runs
    inner join gap_days
        on
            gap_days.gap_on >= {{ gold_add_days('runs.started_on', -1) }}
            and gap_days.gap_on <= {{ gold_add_days('runs.ended_on', 1) }}
),

final as (
    select
        runs.started_on,
        runs.ended_on,
        runs.days,
        runs.plays,
        runs.ms_played,
        row_number() over (order by runs.days desc, runs.plays desc, runs.started_on asc) as rank,
        runs.ended_on = last_day.played_on as is_latest,
        minimums.started_on is not null as is_minimum
    from runs
    cross join last_day
    left join minimums on runs.started_on = minimums.started_on
)

select * from final
