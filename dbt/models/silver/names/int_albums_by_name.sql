{{ config(materialized='table', meta={'keeps_before': true}) }}

with feed_rows as (
    select * from {{ ref('int_feed_rows') }}
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

albums as (
    select * from {{ ref('int_albums') }}
),

named_artists as (
    select distinct artist_id from {{ ref('int_artists_by_name') }}
    where artist_id is not null
),

-- albums of tracks that nobody knows, or knows no album of
told as (
    select
        names.album_name,
        {{ comparable('names.album_name') }} as album_key
    from (
        select distinct feed_rows.album_name
        from feed_rows
        left join tracks on feed_rows.track_id = tracks.track_id
        where feed_rows.album_name <> '' and tracks.album_id is null
    ) as names
),

-- albums of the artist, and those of others on which the artist plays
artist_albums as (
    select
        artist_id,
        album_id
    from albums
    union all
    select
        artist_id,
        album_id
    from tracks
),

of_named_artists as (
    select
        artist_albums.artist_id,
        albums.album_id,
        albums.told_name,
        albums.album_name
    from artist_albums
    inner join named_artists on artist_albums.artist_id = named_artists.artist_id
    inner join albums on artist_albums.album_id = albums.album_id
),

-- an album is found under the name that the listener gave, too
names as (
    select
        artist_id,
        album_id,
        told_name as album_name
    from of_named_artists
    union
    select
        artist_id,
        album_id,
        album_name
    from of_named_artists
),

keyed as (
    select
        artist_id,
        album_id,
        album_name,
        {{ comparable('album_name') }} as album_key
    from names
    where album_name is not null
),

counts as (
    select
        tracks.album_id,
        count(*) as plays
    from feed_rows
    inner join tracks on feed_rows.track_id = tracks.track_id
    group by tracks.album_id
),

met as (
    select
        {{ artist_album_key('keyed.artist_id', 'told.album_name') }} as name_key,
        keyed.album_id,
        told.album_name as told_name,
        keyed.album_name as known_name
    from told
    inner join keyed on told.album_key = keyed.album_key
),

{{ meant_by_name('name_key', 'album_id') }},

final as (
    select
        name_key,
        album_id
    from best
)

select * from final
