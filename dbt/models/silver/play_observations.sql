{{ config(materialized='tail', meta={'at': 'coalesce(ended_at, started_at)'}) }}

with observations as (
    select * from {{ ref('int_observations') }}
    where {{ is_open('coalesce(ended_at, started_at)') }}
),

matches as (
    select * from {{ ref('int_play_matches') }}
    where {{ is_open('ended_ms') }}
),

plays as (
    select play_id, is_excluded or not {{ is_long_enough('ms_played', 'duration_ms') }} as is_short
    from {{ ref('int_plays_unified') }}
    where {{ is_open('ended_at') }}
),

final as (
    select
        observations.observation_id,
        observations.source,
        plays.play_id,
        case
            when observations.content = 'rejected' then 'rejected'
            when observations.is_repeat or coalesce(matches.is_repeat, false) then 'duplicate'
            when observations.content <> 'music' then observations.content
            when plays.play_id is null then 'incognito'
            when plays.is_short then 'short'
            else 'play'
        end as reason,
        observations.file_id,
        observations.row_number,
        observations.started_at,
        observations.ended_at,
        observations.ms_played,
        observations.track_id,
        observations.track_name,
        observations.artist_name,
        observations.album_name
    from observations
    -- a condition on the left side alone would turn the join into a nested loop
    left join matches
        on case when observations.content = 'music' then observations.observation_key end = matches.observation_key
    left join plays on matches.play_key = plays.play_id
)

select * from final
