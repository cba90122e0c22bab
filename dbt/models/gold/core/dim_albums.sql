with

albums as (
    select * from {{ ref('int_albums') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

-- by id silver has renamed it; by name it is renamed here, as in the plays
renames as (
    {{ renames('album', 'item_name') }}
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
        albums.album_id,
        coalesce(renames.new_name, albums.album_name) as album_name,
        albums.artist_id,
        albums.album_type,
        albums.released_on,
        albums.release_precision,
        albums.total_tracks
    from albums
    left join renames on albums.album_name = renames.item_name
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
