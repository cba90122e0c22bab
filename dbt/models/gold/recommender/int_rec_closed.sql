{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

-- names are those that an exclusion of a play meets: renamed by id, and not yet by name
with

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

exclusions as (
    select
        kind,
        item_id,
        item_name
    from rules
    where file = 'exclude.csv' and kind in ('artist', 'album', 'track') and from_at is null and to_at is null
),

names as (
    select
        'artist' as kind,
        artist_id as item_id,
        artist_name as item_name
    from {{ ref('int_artists') }}
    union all
    select
        'album' as kind,
        album_id as item_id,
        album_name as item_name
    from {{ ref('int_albums') }}
    union all
    select
        'track' as kind,
        track_id as item_id,
        track_name as item_name
    from {{ ref('int_tracks') }}
),

final as (
    select
        kind,
        item_id
    from exclusions
    where item_id is not null
    union
    select
        names.kind,
        names.item_id
    from exclusions
    inner join names on exclusions.kind = names.kind and exclusions.item_name = names.item_name
    where exclusions.item_id is null
    union
    select
        kind,
        from_id as item_id
    from rules
    where file = 'merge.csv'
)

select * from final
