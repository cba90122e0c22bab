{{ config(materialized='tail', meta={'at': 'ended_at'}) }}

-- what all feeds together say about a play, before the listener's own rules
with observations as (
    select * from {{ ref('int_observations') }}
    where content = 'music' and not is_repeat and {{ is_open('coalesce(ended_at, started_at)') }}
),

matches as (
    select * from {{ ref('int_play_matches') }}
    where play_key is not null and {{ is_open('ended_ms') }}
),

told as (
    select
        matches.play_key,
        observations.*
    from matches
    inner join observations on matches.observation_key = observations.observation_key
),

best as (
    select * from told
    where observation_key = play_key
),

-- a play has at most one observation of each feed
others as (
    select
        play_key,
        {{ sorted_set('source') }} as sources,
        {{ told_by('account', 'ended_at') }} as account_ended_at,
        {{ told_by('api', 'ended_at') }} as api_ended_at,
        coalesce({{ told_by('listenbrainz', 'started_at') }}, {{ told_by('lastfm', 'started_at') }}) as scrobbled_at,
        {{ told_by('listenbrainz', 'ms_played') }} as ms_played,
        coalesce({{ told_by('api', 'track_id') }}, {{ told_by('listenbrainz', 'track_id') }}) as track_id,
        coalesce(
            {{ told_by('account', 'best_track_id') }},
            {{ told_by('listenbrainz', 'best_track_id') }},
            {{ told_by('lastfm', 'best_track_id') }}
        ) as named_track_id,
        {% for column, unknown in [
            ('artist_name', 'Unknown Artist'), ('track_name', 'Unknown Track'), ('album_name', '')
        ] -%}
            coalesce(
                {% for feed in ['api', 'account', 'listenbrainz', 'lastfm'] -%}
                    {{ told_by(feed, "nullif(" ~ column ~ ", '" ~ unknown ~ "')") }}{{ ',' if not loop.last }}
                {% endfor -%}
            ) as {{ column }},
        {% endfor -%}
        {{ told_by('api', 'artist_name') }} as api_artist_name,
        {{ told_by('api', 'duration_ms') }} as api_duration_ms,
        max(duration_ms) as duration_ms
    from told
    where observation_key <> play_key
    group by play_key
),

gathered as (
    select
        best.play_key,
        best.source,
        best.is_incognito,
        {{ list_with('others.sources', 'best.source') }} as sources,
        case when best.source = 'extended' then best.ended_at end as extended_ended_at,
        case when best.source = 'account' then best.ended_at else others.account_ended_at end as account_ended_at,
        case when best.source = 'api' then best.ended_at else others.api_ended_at end as api_ended_at,
        coalesce(best.started_at, others.scrobbled_at) as scrobbled_at,
        coalesce(best.ms_played, others.ms_played) as true_ms_played,
        coalesce(best.track_id, others.track_id) as told_track_id,
        coalesce(best.best_track_id, others.named_track_id) as named_track_id,
        -- the export tells the artist of the album, the API that of the track
        coalesce(others.api_artist_name, nullif(best.artist_name, 'Unknown Artist'), others.artist_name) as artist_name,
        coalesce(nullif(best.track_name, 'Unknown Track'), others.track_name) as track_name,
        coalesce(best.album_name, others.album_name) as album_name,
        coalesce(others.api_duration_ms, best.duration_ms, others.duration_ms) as told_duration_ms,
        best.is_skipped,
        best.platform,
        best.reason_start,
        best.reason_end
    from best
    left join others on best.play_key = others.play_key
),

public_plays as (
    select * from gathered
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
                when minute_ms is not null
                    then {{ from_ms('greatest(minute_ms, least(coalesce(finer_ms, minute_ms), minute_ms + 59999))') }}
            end,
            {{ from_ms('finer_ms') }}
        ) as ended_at,
        ms_played,
        is_ms_played_estimated,
        is_skipped,
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
