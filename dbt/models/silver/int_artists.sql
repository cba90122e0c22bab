{{ config(materialized='table', meta={'keeps_before': true}) }}

with catalog_artists as (
    select * from {{ ref('stg_catalog__artists') }}
),

catalog_tracks as (
    select * from {{ ref('stg_catalog__tracks') }}
),

catalog_albums as (
    select * from {{ ref('stg_catalog__albums') }}
),

api_artists as (
    select * from {{ ref('stg_spotify_api__artists') }}
),

api_tracks as (
    select * from {{ ref('int_api_tracks') }}
),

api_albums as (
    select * from {{ ref('stg_spotify_api__albums') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

-- artists as the API names them on tracks and albums; lists of ids and of names run in the same order
named_artists as (
    select {{ unnest_pairs('artist_ids', 'artist_names', ['artist_id', 'artist_name']) }}
    from api_tracks
    union
    select {{ unnest_pairs('album_artist_ids', 'album_artist_names', ['artist_id', 'artist_name']) }}
    from api_tracks
    union
    select {{ unnest_pairs('artist_ids', 'artist_names', ['artist_id', 'artist_name']) }}
    from api_albums
),

names as (
    select
        artist_id,
        min(artist_name) as artist_name
    from named_artists
    group by artist_id
),

ids as (
    select artist_id from catalog_artists
    union
    select {{ unnest_list('artist_ids') }} from catalog_tracks
    union
    select artist_id from catalog_albums
    union
    select artist_id from api_artists
    union
    select artist_id from names
    union
    select into_id from rules
    where file = 'merge.csv' and kind = 'artist'
),

renames as (
    {{ renames('artist', 'item_id') }}
),

joined as (
    select
        ids.artist_id,
        {{
            whole_name('catalog_artists.artist_name', 'coalesce(api_artists.artist_name, names.artist_name)')
        }} as told_name,
        renames.new_name,
        case
            when {{ list_length('catalog_artists.genres') }} > 0 then catalog_artists.genres
            else coalesce(api_artists.genres, catalog_artists.genres)
        end as genres,
        coalesce(catalog_artists.popularity, api_artists.popularity) as popularity,
        coalesce(catalog_artists.followers, api_artists.followers) as followers,
        catalog_artists.artist_id is not null as is_known_by_catalog,
        names.artist_id is not null or api_artists.artist_id is not null as is_known_by_api
    from ids
    left join catalog_artists on ids.artist_id = catalog_artists.artist_id
    left join api_artists on ids.artist_id = api_artists.artist_id
    left join names on ids.artist_id = names.artist_id
    left join renames on ids.artist_id = renames.item_id
    where ids.artist_id is not null
),

final as (
    select
        artist_id,
        coalesce(new_name, told_name) as artist_name,
        told_name,
        genres,
        popularity,
        followers,
        is_known_by_catalog,
        is_known_by_api
    from joined
)

select * from final
