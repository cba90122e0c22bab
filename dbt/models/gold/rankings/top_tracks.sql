with

daily as (
    select * from {{ ref('daily_tracks') }}
),

days as (
    select * from {{ ref('daily_listening') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

-- most recordings are held by one track; only for the others a period has to choose
tracks_of as (
    select
        recording_id,
        min(track_id) as track_id,
        count(distinct track_key) as tracks
    from daily
    group by recording_id
),

daily_of_several as (
    select daily.*
    from daily
    inner join tracks_of on daily.recording_id = tracks_of.recording_id
    where tracks_of.tracks > 1
),

{{ gold_periods(['recording_id']) }},

{{ gold_periods(['recording_id', 'track_id'], relation='daily_of_several', prefix='several_') }},

placed as (
    select
        period,
        period_start,
        recording_id,
        track_id,
        row_number() over (
            partition by period, period_start, recording_id
            order by plays desc, ms_played desc, track_id asc nulls last
        ) as place
    from several_periods
),

chosen as (
    select * from placed
    where place = 1
),

recordings as (
    select
        periods.*,
        case when tracks_of.tracks > 1 then chosen.track_id else tracks_of.track_id end as track_id
    from periods
    inner join tracks_of on periods.recording_id = tracks_of.recording_id
    left join chosen
        on
            periods.period = chosen.period
            and periods.period_start = chosen.period_start
            and periods.recording_id = chosen.recording_id
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
