{{ config(materialized='table', meta={'keeps_before': true}) }}

with catalog_tracks as (
    select * from {{ ref('stg_catalog__tracks') }}
),

api_tracks as (
    select * from {{ ref('int_api_tracks') }}
),

api_features as (
    select * from {{ ref('stg_spotify_api__audio_features') }}
),

streams as (
    select * from {{ ref('stg_spotify_export__streams') }}
    where track_id is not null
),

listens as (
    select * from {{ ref('stg_spotify_export__listenbrainz_listens') }}
    where track_id is not null
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

listened as (
    select
        track_id,
        min(track_name) as track_name,
        cast(null as {{ text_type() }}) as isrc,
        cast(null as bigint) as duration_ms
    from streams
    group by track_id
    union all
    select
        track_id,
        min(track_name),
        min(isrc),
        max(duration_ms)
    from listens
    group by track_id
),

feed_tracks as (
    select
        track_id,
        min(track_name) as track_name,
        min(isrc) as isrc,
        max(duration_ms) as duration_ms
    from listened
    group by track_id
),

ids as (
    select track_id from catalog_tracks
    union
    select track_id from api_tracks
    union
    select track_id from api_features
    union
    select track_id from feed_tracks
    union
    select into_id from rules
    where file = 'merge.csv' and kind = 'track'
),

renames as (
    {{ renames('track', 'item_id') }}
),

joined as (
    select
        ids.track_id,
        coalesce(
            renames.new_name,
            {{ whole_name('catalog_tracks.track_name', 'coalesce(api_tracks.track_name, feed_tracks.track_name)') }}
        ) as track_name,
        coalesce(catalog_tracks.album_id, api_tracks.album_id) as album_id,
        -- the longer list: a narrow column cuts the catalog's list off
        case
            when
                {{ list_length('api_tracks.artist_ids') }}
                > coalesce({{ list_length('catalog_tracks.artist_ids') }}, 0)
                then api_tracks.artist_ids
            else catalog_tracks.artist_ids
        end as artist_ids,
        coalesce(api_tracks.isrc, feed_tracks.isrc) as isrc,
        coalesce(
            catalog_tracks.duration_ms, api_tracks.duration_ms, api_features.duration_ms, feed_tracks.duration_ms
        ) as duration_ms,
        {% for feature in audio_features() + ['key', 'mode', 'time_signature'] %}
            coalesce(catalog_tracks.{{ feature }}, api_features.{{ feature }}) as {{ feature }},
        {% endfor %}
        coalesce(catalog_tracks.popularity, api_tracks.popularity) as popularity
    from ids
    left join catalog_tracks on ids.track_id = catalog_tracks.track_id
    left join api_tracks on ids.track_id = api_tracks.track_id
    left join api_features on ids.track_id = api_features.track_id
    left join feed_tracks on ids.track_id = feed_tracks.track_id
    left join renames on ids.track_id = renames.item_id
    where ids.track_id is not null
),

final as (
    select
        track_id,
        track_name,
        album_id,
        {{ list_item('artist_ids', 1) }} as artist_id,
        artist_ids,
        isrc,
        duration_ms,
        popularity,
        danceability,
        energy,
        key,
        loudness,
        mode,
        speechiness,
        acousticness,
        instrumentalness,
        liveness,
        valence,
        tempo,
        time_signature
    from joined
)

select * from final
