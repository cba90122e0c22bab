{{ config(materialized='tail', meta={'at': 'played_at'}) }}

with

plays as (
    select * from {{ ref('int_plays_unified') }}
    where {{ is_open('ended_at') }}
),

judged as (
    select
        *,
        {{ gold_local('ended_at') }} as ended_local,
        {{ gold_is_counted() }} as is_counted
    from plays
),

gaps_marked as (
    select
        play_id,
        ended_at,
        {{ gold_ms_between('lag(ended_at) over (order by ended_at, play_id)', 'started_at') }} as silence_ms
    from judged
    where is_counted
),

-- a session bears the id of its first play; silence as long as the gap still belongs to it
sessions_started as (
    select
        play_id,
        ended_at,
        case
            when silence_ms is null or silence_ms > {{ var('session_gap_minutes') }} * 60000 then play_id
        end as started_session
    from gaps_marked
),

in_sessions as (
    select
        play_id,
        {{ gold_last_known('started_session', 'ended_at, play_id') }} as session_id
    from sessions_started
),

final as (
    select
        judged.play_id,
        judged.ended_at as played_at,
        judged.started_at,
        cast(judged.ended_local as date) as played_on,
        cast(extract(hour from judged.ended_local) as bigint) as hour,
        {{ gold_weekday('cast(judged.ended_local as date)') }} as weekday,
        judged.track_id,
        judged.track_name,
        judged.artist_id,
        judged.artist_name,
        judged.album_id,
        judged.recording_id,
        judged.ms_played,
        judged.is_ms_played_estimated,
        judged.is_counted,
        judged.is_skipped,
        judged.platform,
        judged.source,
        judged.sources,
        in_sessions.session_id,
        judged.album_name,
        judged.reason_start,
        judged.reason_end,
        {{ gold_is_finished() }} as is_finished,
        judged.is_excluded
    from judged
    left join in_sessions on judged.play_id = in_sessions.play_id
)

select * from final
