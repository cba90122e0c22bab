with

albums as (
    select * from {{ ref('int_albums') }}
),

played as (
    select
        album_id,
        min(album_name) as album_name,
        min(artist_id) as artist_id
    from {{ ref('int_plays_unified') }}
    where album_id is not null
    group by album_id
),

completed as (
    select
        album_id,
        album_name,
        artist_id,
        album_type,
        released_on,
        release_precision,
        total_tracks
    from albums
    union all
    select
        played.album_id,
        played.album_name,
        played.artist_id,
        cast(null as {{ text_type() }}) as album_type,
        cast(null as date) as released_on,
        cast(null as {{ text_type() }}) as release_precision,
        cast(null as bigint) as total_tracks
    from played
    left join albums on played.album_id = albums.album_id
    where albums.album_id is null
)

select * from completed
