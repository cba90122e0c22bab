{{ config(materialized='table', meta={'keeps_before': true}) }}

with catalog_albums as (
    select * from {{ ref('stg_catalog__albums') }}
),

catalog_tracks as (
    select * from {{ ref('stg_catalog__tracks') }}
),

api_albums as (
    select * from {{ ref('stg_spotify_api__albums') }}
),

api_tracks as (
    select * from {{ ref('int_api_tracks') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

track_albums as (
    select
        album_id,
        min(album_name) as album_name,
        min(album_type) as album_type,
        min({{ list_item('album_artist_ids', 1) }}) as artist_id,
        min(release_date) as release_date,
        min(release_precision) as release_precision,
        max(total_tracks) as total_tracks
    from api_tracks
    where album_id is not null
    group by album_id
),

ids as (
    select album_id from catalog_albums
    union
    select album_id from catalog_tracks
    union
    select album_id from api_albums
    union
    select album_id from track_albums
    union
    select into_id from rules
    where file = 'merge.csv' and kind = 'album'
),

renames as (
    {{ renames('album', 'item_id') }}
),

joined as (
    select
        ids.album_id,
        {{
            whole_name('catalog_albums.album_name', 'coalesce(api_albums.album_name, track_albums.album_name)')
        }} as told_name,
        renames.new_name,
        coalesce(
            catalog_albums.artist_id, {{ list_item('api_albums.artist_ids', 1) }}, track_albums.artist_id
        ) as artist_id,
        coalesce(catalog_albums.album_type, api_albums.album_type, track_albums.album_type) as album_type,
        coalesce(
            catalog_albums.released_on,
            {{ first_day('api_albums.release_date') }},
            {{ first_day('track_albums.release_date') }}
        ) as released_on,
        case
            when catalog_albums.released_on is not null then catalog_albums.release_precision
            when api_albums.release_date is not null then api_albums.release_precision
            else coalesce(track_albums.release_precision, catalog_albums.release_precision)
        end as release_precision,
        coalesce(catalog_albums.total_tracks, api_albums.total_tracks, track_albums.total_tracks) as total_tracks
    from ids
    left join catalog_albums on ids.album_id = catalog_albums.album_id
    left join api_albums on ids.album_id = api_albums.album_id
    left join track_albums on ids.album_id = track_albums.album_id
    left join renames on ids.album_id = renames.item_id
    where ids.album_id is not null
),

final as (
    select
        album_id,
        coalesce(new_name, told_name) as album_name,
        told_name,
        artist_id,
        album_type,
        released_on,
        release_precision,
        total_tracks
    from joined
)

select * from final
