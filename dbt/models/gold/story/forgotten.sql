{% set silent_days = 180 %}
{% set least_plays = 5 %}

with

tracks as (
    select * from {{ ref('listened_tracks') }}
    where {{ gold_is_named(['track', 'artist']) }}
),

daily as (
    select * from {{ ref('daily_tracks') }}
),

last_day as (
    select max(played_on) as played_on
    from daily
),

silent as (
    select
        tracks.*,
        {{ gold_days_between('tracks.last_played_on', 'last_day.played_on') }} as days_since
    from tracks
    cross join last_day
    where
        tracks.plays >= {{ least_plays }}
        and {{ gold_days_between('tracks.last_played_on', 'last_day.played_on') }} >= {{ silent_days }}
),

months as (
    select
        daily.recording_id,
        {{ gold_month('daily.played_on') }} as month,
        {{ gold_sum('daily.plays') }} as plays
    from daily
    inner join silent on daily.recording_id = silent.recording_id
    group by daily.recording_id, {{ gold_month('daily.played_on') }}
),

placed_months as (
    select
        *,
        row_number() over (partition by recording_id order by plays desc, month asc) as place
    from months
),

-- a play that was missed may be of anything, at any time
gaps as (
    select count(*) > 0 as is_minimum
    from {{ ref('int_gap_days') }}
),

final as (
    select
        row_number() over (order by silent.plays desc, silent.ms_played desc, silent.recording_id asc) as rank,
        silent.recording_id,
        silent.track_id,
        silent.track_name,
        silent.artist_id,
        silent.artist_name,
        silent.plays,
        silent.ms_played,
        silent.days_since,
        silent.first_played_at,
        silent.last_played_at,
        placed_months.month as best_month,
        placed_months.plays as best_month_plays,
        gaps.is_minimum
    from silent
    inner join placed_months on silent.recording_id = placed_months.recording_id and placed_months.place = 1
    cross join gaps
)

select * from final
