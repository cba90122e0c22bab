{{ config(materialized='table') }}

-- what all feeds together say about a play, before the listener's own rules
with observations as (
    select * from {{ ref('int_observations') }} where content = 'music' and not is_repeat
),

matches as (
    select * from {{ ref('int_play_matches') }} where play_key is not null
),

told as (
    select matches.play_key, observations.*
    from matches
    inner join observations on matches.observation_key = observations.observation_key
),

-- a play has at most one observation of each feed
gathered as (
    select
        play_key,
        max(case when is_incognito then 1 else 0 end) = 1 as is_incognito,
        {{ sorted_set('source') }} as sources,
        {{ told_by('extended', 'ended_at') }} as extended_ended_at,
        {{ told_by('account', 'ended_at') }} as account_ended_at,
        {{ told_by('api', 'ended_at') }} as api_ended_at,
        coalesce({{ told_by('listenbrainz', 'started_at') }}, {{ told_by('lastfm', 'started_at') }}) as scrobbled_at,
        coalesce({{ told_by('extended', 'ms_played') }}, {{ told_by('account', 'ms_played') }}, {{ told_by('listenbrainz', 'ms_played') }}) as true_ms_played,
        coalesce({{ told_by('extended', 'track_id') }}, {{ told_by('api', 'track_id') }}, {{ told_by('listenbrainz', 'track_id') }}) as told_track_id,
        coalesce({{ told_by('account', 'best_track_id') }}, {{ told_by('listenbrainz', 'best_track_id') }}, {{ told_by('lastfm', 'best_track_id') }}) as named_track_id,
        coalesce(
            {{ told_by('api', "nullif(artist_name, 'Unknown Artist')") }}, {{ told_by('extended', "nullif(artist_name, 'Unknown Artist')") }}, {{ told_by('account', "nullif(artist_name, 'Unknown Artist')") }},
            {{ told_by('listenbrainz', "nullif(artist_name, 'Unknown Artist')") }}, {{ told_by('lastfm', "nullif(artist_name, 'Unknown Artist')") }}
        ) as artist_name,
        coalesce(
            {{ told_by('api', "nullif(track_name, 'Unknown Track')") }}, {{ told_by('extended', "nullif(track_name, 'Unknown Track')") }}, {{ told_by('account', "nullif(track_name, 'Unknown Track')") }},
            {{ told_by('listenbrainz', "nullif(track_name, 'Unknown Track')") }}, {{ told_by('lastfm', "nullif(track_name, 'Unknown Track')") }}
        ) as track_name,
        coalesce(
            {{ told_by('api', 'album_name') }}, {{ told_by('extended', 'album_name') }},
            {{ told_by('listenbrainz', 'album_name') }}, {{ told_by('lastfm', 'album_name') }}
        ) as album_name,
        coalesce({{ told_by('api', 'duration_ms') }}, max(duration_ms)) as told_duration_ms,
        max(case when source = 'extended' and is_skipped then 1 when source = 'extended' and not is_skipped then 0 end) as skipped,
        {{ told_by('extended', 'platform') }} as platform,
        {{ told_by('extended', 'reason_start') }} as reason_start,
        {{ told_by('extended', 'reason_end') }} as reason_end
    from told
    group by play_key
),

public_plays as (
    select
        *,
        case
            when extended_ended_at is not null then 'extended'
            when account_ended_at is not null then 'account'
            when api_ended_at is not null then 'api'
            else {{ list_item('sources', list_length('sources')) }}
        end as source
    from gathered
    where not is_incognito
),

estimated as (
    select
        *,
        true_ms_played is null as is_ms_played_estimated,
        -- start and end of two feeds bound what was heard; the start of one alone, only the length of the track
        coalesce(
            true_ms_played,
            case
                when {{ to_ms('api_ended_at') }} - {{ to_ms('scrobbled_at') }} between 25000 and told_duration_ms
                    then {{ to_ms('api_ended_at') }} - {{ to_ms('scrobbled_at') }}
            end,
            told_duration_ms,
            30000
        ) as ms_played
    from public_plays
),

timed as (
    select
        *,
        {{ to_ms('account_ended_at') }} as minute_ms,
        case
            when api_ended_at is not null then {{ to_ms('api_ended_at') }}
            when scrobbled_at is not null then {{ to_ms('scrobbled_at') }} + ms_played
        end as finer_ms
    from estimated
),

-- the minute of the account data is certain; within it the other feeds are finer
final as (
    select
        play_key as play_id,
        coalesce(
            extended_ended_at,
            case
                when minute_ms is not null then {{ from_ms('greatest(minute_ms, least(coalesce(finer_ms, minute_ms), minute_ms + 59999))') }}
            end,
            {{ from_ms('finer_ms') }}
        ) as ended_at,
        ms_played,
        is_ms_played_estimated,
        case skipped when 1 then true when 0 then false end as is_skipped,
        is_incognito,
        coalesce(told_track_id, named_track_id) as track_id,
        track_name,
        artist_name,
        album_name,
        told_duration_ms as duration_ms,
        platform,
        reason_start,
        reason_end,
        source,
        sources
    from timed
)

select * from final
