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
        {{ gold_name_key('album_name') }} as album_key,
        {{ gold_name_key('track_name') }} as track_key,
        {{ gold_name_id(['artist_name']) }} as artist_name_id,
        {{ gold_name_id(['artist_name', 'album_name']) }} as album_name_id,
        {{ gold_name_id(['artist_name', 'track_name']) }} as track_name_id
    from plays
    where track_id is null
),

nameless_artists as (
    select distinct artist_key from nameless
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
        nameless_artists.artist_key,
        {{ gold_name_key('named_plays.album_name') }} as album_key,
        {{ gold_name_key('named_plays.track_name') }} as track_key
    from named_plays
    inner join nameless_artists on {{ gold_name_key('named_plays.artist_name') }} = nameless_artists.artist_key
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

resolved as (
    select
        nameless.play_id,
        ranked_tracks.track_id,
        coalesce(ranked_tracks.recording_id, nameless.recording_id, nameless.track_name_id) as recording_id,
        coalesce(nameless.artist_id, ranked_tracks.artist_id, ranked_artists.artist_id) as artist_id,
        nameless.artist_name_id,
        coalesce(ranked_albums.album_id, ranked_tracks.album_id) as album_id,
        case when nameless.album_key is not null then nameless.album_name_id end as album_name_id
    from nameless
    left join ranked_tracks
        on
            nameless.artist_key = ranked_tracks.artist_key
            and nameless.track_key = ranked_tracks.track_key
            and ranked_tracks.place = 1
    left join ranked_albums
        on
            nameless.artist_key = ranked_albums.artist_key
            and nameless.album_key = ranked_albums.album_key
            and ranked_albums.place = 1
    left join ranked_artists
        on nameless.artist_key = ranked_artists.artist_key and ranked_artists.place = 1
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
        coalesce(plays.album_id, resolved.album_id) as album_id,
        coalesce(plays.album_id, resolved.album_id, resolved.album_name_id) as album_key,
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
)

select * from keyed
