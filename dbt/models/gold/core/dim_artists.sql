with

artists as (
    select * from {{ ref('int_artists') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

-- by id silver has renamed it; by name it is renamed here, as in the plays
renames as (
    {{ renames('artist', 'item_name') }}
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
