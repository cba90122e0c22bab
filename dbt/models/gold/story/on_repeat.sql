{# the newest play of the history stands for today, so that the answer is a function of the plays alone #}
{% set window_days = 30 %}
{% set least_plays = 3 %}

with

daily as (
    select * from {{ ref('daily_tracks') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
    where {{ gold_is_named(['track', 'artist']) }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

time_window as (
    select
        {{ gold_add_days('max(played_on)', 1 - window_days) }} as from_on,
        max(played_on) as to_on
    from daily
),

summed as (
    select
        time_window.from_on,
        time_window.to_on,
        daily.recording_id,
        {{ gold_sum('daily.plays') }} as plays,
        {{ gold_sum('daily.ms_played') }} as ms_played,
        count(distinct daily.played_on) as days,
        max(daily.last_played_at) as last_played_at
    from daily
    cross join time_window
    where daily.played_on >= time_window.from_on
    group by time_window.from_on, time_window.to_on, daily.recording_id
),

gaps_inside as (
    select count(*) as gap_days
    from gap_days
    cross join time_window
    where gap_days.gap_on between time_window.from_on and time_window.to_on
),

final as (
    select
        row_number() over (order by summed.plays desc, summed.ms_played desc, summed.recording_id asc) as rank,
        summed.recording_id,
        names.track_id,
        names.track_name,
        names.artist_id,
        names.artist_name,
        summed.plays,
        summed.ms_played,
        summed.days,
        names.first_played_at,
        summed.last_played_at,
        summed.from_on,
        summed.to_on,
        gaps_inside.gap_days > 0 as is_minimum
    from summed
    inner join names on summed.recording_id = names.recording_id
    cross join gaps_inside
    where summed.plays >= {{ least_plays }}
)

select * from final
