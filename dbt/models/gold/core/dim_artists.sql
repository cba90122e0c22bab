with

artists as (
    select * from {{ ref('int_artists') }}
),

-- by id silver has renamed it; by name it is renamed here, as in the plays
renames as (
    select
        item_name,
        min(new_name) as new_name
    from {{ ref('stg_curation__rules') }}
    where file = 'rename.csv' and kind = 'artist' and item_id is null
    group by item_name
),

played as (
    select
        artist_id,
        min(artist_name) as artist_name
    from {{ ref('int_plays_unified') }}
    where artist_id is not null
    group by artist_id
),

-- a play's id that no source describes still has its row, under the name that the feed tells
completed as (
    select
        artists.artist_id,
        coalesce(renames.new_name, artists.artist_name) as artist_name,
        artists.genres,
        artists.popularity,
        artists.followers
    from artists
    left join renames on artists.artist_name = renames.item_name
    union all
    select
        played.artist_id,
        played.artist_name,
        cast(null as {{ text_list_type() }}) as genres,
        cast(null as bigint) as popularity,
        cast(null as bigint) as followers
    from played
    left join artists on played.artist_id = artists.artist_id
    where artists.artist_id is null
)

select * from completed
