{{ config(materialized='tail', meta={'at': 'ended_at'}) }}

with plays as (
    select * from {{ ref('int_plays') }}
    where {{ is_open('ended_at') }}
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

artists as (
    select * from {{ ref('int_artists') }}
),

albums as (
    select * from {{ ref('int_albums') }}
),

recordings as (
    select * from {{ ref('int_recordings') }}
),

artists_by_name as (
    select * from {{ ref('int_artists_by_name') }}
),

albums_by_name as (
    select * from {{ ref('int_albums_by_name') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

mergers as (
    select
        kind,
        from_id,
        min(into_id) as into_id
    from rules
    where file = 'merge.csv'
    group by kind, from_id
),

renames as (
    select
        kind,
        item_name,
        min(new_name) as new_name
    from rules
    where file = 'rename.csv' and item_id is null
    group by kind, item_name
),

exclusions as (
    select * from rules
    where file = 'exclude.csv'
),

merged_tracks as (
    select
        plays.*,
        coalesce(mergers.into_id, plays.track_id) as merged_track_id
    from plays
    left join mergers on mergers.kind = 'track' and plays.track_id = mergers.from_id
),

-- whom and what the feed's names mean where the track does not tell, before any rule gives another name
known_artists as (
    select
        plays.*,
        tracks.track_name as known_track_name,
        tracks.album_id as track_album_id,
        coalesce(tracks.artist_id, artists_by_name.artist_id) as known_artist_id,
        artists_by_name.artist_name as found_artist_name,
        coalesce(tracks.duration_ms, plays.duration_ms) as known_duration_ms
    from merged_tracks as plays
    left join tracks on plays.merged_track_id = tracks.track_id
    left join artists_by_name
        on case when tracks.artist_id is null then plays.artist_name end = artists_by_name.artist_name
),

known_albums as (
    select
        plays.*,
        coalesce(plays.track_album_id, albums_by_name.album_id) as known_album_id,
        case when albums_by_name.album_id is not null then plays.album_name end as found_album_name
    from known_artists as plays
    left join albums_by_name
        on
            case
                when plays.track_album_id is null
                    then {{ artist_album_key('plays.known_artist_id', 'plays.album_name') }}
            end
            = albums_by_name.name_key
),

described as (
    select
        plays.*,
        coalesce(artist_mergers.into_id, plays.known_artist_id) as merged_artist_id,
        coalesce(album_mergers.into_id, plays.known_album_id) as merged_album_id
    from known_albums as plays
    left join mergers as artist_mergers
        on artist_mergers.kind = 'artist' and plays.known_artist_id = artist_mergers.from_id
    left join mergers as album_mergers
        on album_mergers.kind = 'album' and plays.known_album_id = album_mergers.from_id
),

named as (
    select
        plays.play_id,
        plays.ended_at,
        {{ from_ms(to_ms('plays.ended_at') ~ ' - plays.ms_played') }} as started_at,
        plays.ms_played,
        plays.is_ms_played_estimated,
        plays.is_skipped,
        plays.is_incognito,
        plays.merged_track_id as track_id,
        coalesce(plays.known_track_name, plays.track_name, 'Unknown Track') as track_name,
        plays.merged_artist_id as artist_id,
        coalesce(artists.artist_name, plays.artist_name, 'Unknown Artist') as artist_name,
        plays.found_artist_name,
        plays.merged_album_id as album_id,
        coalesce(albums.album_name, plays.album_name) as album_name,
        plays.found_album_name,
        recordings.recording_id,
        plays.known_duration_ms as duration_ms,
        plays.platform,
        plays.reason_start,
        plays.reason_end,
        plays.source,
        plays.sources
    from described as plays
    left join artists on plays.merged_artist_id = artists.artist_id
    left join albums on plays.merged_album_id = albums.album_id
    left join recordings on plays.merged_track_id = recordings.track_id
),

-- a rule that names a moment means what happened then
moments as (
    select
        kind,
        item_id,
        item_name,
        from_at,
        coalesce(to_at, case when kind in ('play', 'session') then from_at end) as to_at
    from exclusions
),

session_breaks as (
    select
        started_at,
        ended_at,
        case
            when
                {{ to_ms('started_at') }} - {{ to_ms('lag(ended_at) over (order by ended_at, play_id)') }}
                <= {{ var('session_gap_minutes') }} * 60000 then 0
            else 1
        end as is_break
    from named
    where
        {{ is_long_enough('ms_played', 'duration_ms') }}
        and exists (
            select 1 from moments
            where moments.kind = 'session'
        )
),

session_numbers as (
    select
        started_at,
        ended_at,
        sum(is_break) over (order by ended_at, started_at rows unbounded preceding) as session_number
    from session_breaks
),

sessions as (
    select
        session_number,
        min(started_at) as from_at,
        max(ended_at) as to_at
    from session_numbers
    group by session_number
),

stretches as (
    select
        kind,
        item_id,
        item_name,
        from_at,
        to_at
    from moments
    where kind <> 'session'
    union all
    select
        'window',
        null,
        null,
        sessions.from_at,
        sessions.to_at
    from sessions
    inner join moments
        on moments.kind = 'session' and sessions.from_at <= moments.to_at and sessions.to_at >= moments.from_at
),

excluded as (
    select distinct named.play_id
    from named
    inner join stretches
        on
            (stretches.from_at is null or named.ended_at >= stretches.from_at)
            and (stretches.to_at is null or named.started_at <= stretches.to_at)
            and case stretches.kind
                when 'window' then true
                when 'artist'
                    then coalesce(
                        named.artist_id = stretches.item_id,
                        stretches.item_name in (named.artist_name, named.found_artist_name)
                    )
                when 'album'
                    then coalesce(
                        named.album_id = stretches.item_id,
                        stretches.item_name in (named.album_name, named.found_album_name)
                    )
                else
                    coalesce(
                        stretches.item_id in (named.track_id, named.play_id), named.track_name = stretches.item_name
                    )
            end
),

final as (
    select
        named.play_id,
        named.ended_at,
        named.started_at,
        named.ms_played,
        named.is_ms_played_estimated,
        named.is_skipped,
        named.is_incognito,
        named.track_id,
        coalesce(track_renames.new_name, named.track_name) as track_name,
        named.artist_id,
        coalesce(artist_renames.new_name, named.artist_name) as artist_name,
        named.album_id,
        coalesce(album_renames.new_name, named.album_name) as album_name,
        named.recording_id,
        named.duration_ms,
        named.platform,
        named.reason_start,
        named.reason_end,
        named.source,
        named.sources,
        excluded.play_id is not null as is_excluded
    from named
    left join excluded on named.play_id = excluded.play_id
    left join renames as track_renames on track_renames.kind = 'track' and named.track_name = track_renames.item_name
    left join renames as artist_renames
        on artist_renames.kind = 'artist' and named.artist_name = artist_renames.item_name
    left join renames as album_renames on album_renames.kind = 'album' and named.album_name = album_renames.item_name
)

select * from final
