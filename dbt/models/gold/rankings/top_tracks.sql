with

daily as (
    select * from {{ ref('daily_tracks') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
),


gap_days as (
    select * from {{ ref('int_gap_days') }}
),

{{ gold_periods(['recording_id', 'track_id']) }},

-- of the tracks that hold a recording, the one most played in the period stands for it
placed as (
    select
        periods.*,
        row_number() over (
            partition by period, period_start, recording_id
            order by plays desc, ms_played desc, track_id nulls last
        ) as place
    from periods
),

recordings as (
    select
        period,
        period_start,
        recording_id,
        max(case when place = 1 then track_id end) as track_id,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from placed
    group by period, period_start, recording_id
),

{{ gold_ranks('recording_id', 'coalesce(track_id, recording_id)', relation='recordings') }},

final as (
    select
        compared.period,
        compared.period_start,
        compared.rank,
        compared.previous_rank,
        compared.track_id,
        names.track_name,
        names.artist_id,
        names.artist_name,
        compared.plays,
        compared.ms_played,
        compared.recording_id,
        names.artist_key,
        compared.previous_plays,
        compared.first_played_at,
        compared.last_played_at,
        compared.is_minimum
    from compared
    inner join names on compared.recording_id = names.recording_id
)

select * from final
