with

summed as (
    select * from {{ ref('int_session_sums') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

-- a session can miss plays when a gap touches a day on which it runs
minimums as (
    select distinct summed.session_id
    from summed
    inner join gap_days on gap_days.gap_on between summed.started_on and summed.ended_on
),

final as (
    select
        summed.session_id,
        summed.started_at,
        summed.ended_at,
        summed.plays,
        summed.ms_played,
        summed.started_on,
        {{ gold_ms_between('summed.started_at', 'summed.ended_at') }} as length_ms,
        summed.tracks,
        summed.artists,
        minimums.session_id is not null as is_minimum
    from summed
    left join minimums on summed.session_id = minimums.session_id
)

select * from final
