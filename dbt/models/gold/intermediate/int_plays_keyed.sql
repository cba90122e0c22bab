-- depends_on: {{ ref('int_settled_gold') }}
{{ config(
    materialized='tail',
    meta={'at': 'played_at', 'settled': 'int_settled_gold'},
    schema='silver',
    contract={'enforced': false},
    tags=['internal'],
) }}

with

plays as (
    select * from {{ ref('fct_plays') }}
    where not is_excluded and {{ is_open('played_at', 'int_settled_gold') }}
),

nameless as (
    select
        play_id,
        artist_id,
        recording_id,
        {{ gold_name_key('artist_name') }} as artist_key,
        {{ gold_name_key('track_name') }} as track_key,
        {{ gold_name_id(['artist_name']) }} as artist_name_id,
        {{ gold_name_id(['artist_name', 'track_name']) }} as track_name_id
    from plays
    where track_id is null
),

-- an album known by name, be the track known by its id or not
albumless as (
    select
        play_id,
        {{ gold_name_key('artist_name') }} as artist_key,
        {{ gold_name_key('album_name') }} as album_key,
        {{ gold_name_id(['artist_name', 'album_name']) }} as album_name_id
    from plays
    where album_id is null and album_name is not null
),

named_artists as (
    select artist_key from nameless
    union
    select artist_key from albumless
),

-- of the whole history, whatever is made again
named_plays as (
    select * from {{ ref('fct_plays') }}
    where track_id is not null and not is_excluded
),

-- plays that do have ids, of the artists that others name only
namesakes as (
    select
        named_plays.track_id,
        named_plays.recording_id,
        named_plays.artist_id,
        named_plays.album_id,
        named_artists.artist_key,
        {{ gold_name_key('named_plays.album_name') }} as album_key,
        {{ gold_name_key('named_plays.track_name') }} as track_key
    from named_plays
    inner join named_artists on {{ gold_name_key('named_plays.artist_name') }} = named_artists.artist_key
),

namesake_counts as (
    select
        artist_key,
        album_key,
        track_key,
        artist_id,
        album_id,
        track_id,
        recording_id,
        count(*) as plays
    from namesakes
    group by artist_key, album_key, track_key, artist_id, album_id, track_id, recording_id
),

ranked_tracks as (
    select
        *,
        row_number() over (partition by artist_key, track_key order by plays desc, track_id asc) as place
    from namesake_counts
),

album_counts as (
    select
        artist_key,
        album_key,
        album_id,
        sum(plays) as plays
    from namesake_counts
    where album_id is not null and album_key is not null
    group by artist_key, album_key, album_id
),

ranked_albums as (
    select
        *,
        row_number() over (partition by artist_key, album_key order by plays desc, album_id asc) as place
    from album_counts
),

artist_counts as (
    select
        artist_key,
        artist_id,
        sum(plays) as plays
    from namesake_counts
    where artist_id is not null
    group by artist_key, artist_id
),

ranked_artists as (
    select
        *,
        row_number() over (partition by artist_key order by plays desc, artist_id asc) as place
    from artist_counts
),

-- the album of such a track, too, may be known by name alone
namesake_tracks as (
    select
        ranked_tracks.artist_key,
        ranked_tracks.track_key,
        ranked_tracks.track_id,
        ranked_tracks.recording_id,
        ranked_tracks.artist_id,
        coalesce(ranked_tracks.album_id, ranked_albums.album_id) as album_id,
        case
            when ranked_tracks.album_key is not null
                then {{ gold_name_id(['ranked_tracks.artist_key', 'ranked_tracks.album_key']) }}
        end as album_name_id
    from ranked_tracks
    left join ranked_albums
        on
            ranked_tracks.artist_key = ranked_albums.artist_key
            and ranked_tracks.album_key = ranked_albums.album_key
            and ranked_albums.place = 1
    where ranked_tracks.place = 1
),

resolved as (
    select
        nameless.play_id,
        namesake_tracks.track_id,
        coalesce(namesake_tracks.recording_id, nameless.recording_id, nameless.track_name_id) as recording_id,
        coalesce(nameless.artist_id, namesake_tracks.artist_id, ranked_artists.artist_id) as artist_id,
        nameless.artist_name_id,
        namesake_tracks.album_id,
        namesake_tracks.album_name_id
    from nameless
    left join namesake_tracks
        on nameless.artist_key = namesake_tracks.artist_key and nameless.track_key = namesake_tracks.track_key
    left join ranked_artists
        on nameless.artist_key = ranked_artists.artist_key and ranked_artists.place = 1
),

resolved_albums as (
    select
        albumless.play_id,
        ranked_albums.album_id,
        albumless.album_name_id
    from albumless
    left join ranked_albums
        on
            albumless.artist_key = ranked_albums.artist_key
            and albumless.album_key = ranked_albums.album_key
            and ranked_albums.place = 1
),

keyed as (
    select
        plays.play_id,
        plays.played_at,
        plays.started_at,
        plays.played_on,
        plays.hour,
        plays.weekday,
        coalesce(plays.track_id, resolved.track_id) as track_id,
        plays.track_name,
        coalesce(resolved.recording_id, plays.recording_id, plays.track_id) as recording_id,
        coalesce(plays.artist_id, resolved.artist_id) as artist_id,
        coalesce(
            plays.artist_id,
            resolved.artist_id,
            resolved.artist_name_id,
            {{ gold_name_id(['plays.artist_name']) }}
        ) as artist_key,
        plays.artist_name,
        coalesce(plays.album_id, resolved_albums.album_id, resolved.album_id) as album_id,
        coalesce(
            plays.album_id,
            resolved_albums.album_id,
            resolved.album_id,
            resolved_albums.album_name_id,
            resolved.album_name_id
        ) as album_key,
        plays.album_name,
        plays.ms_played,
        plays.is_ms_played_estimated,
        plays.is_counted,
        plays.is_skipped,
        plays.is_finished,
        plays.platform,
        plays.session_id
    from plays
    left join resolved on plays.play_id = resolved.play_id
    left join resolved_albums on plays.play_id = resolved_albums.play_id
)

select * from keyed
