{{ config(materialized='table', meta={'keeps_before': true}) }}

with feed_rows as (
    select * from {{ ref('int_feed_rows') }}
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

artists as (
    select * from {{ ref('int_artists') }}
),

told as (
    select
        artist_name,
        {{ comparable('artist_name') }} as artist_key
    from (select distinct artist_name from feed_rows) as names
    where artist_name not in ('', 'Unknown Artist')
),

-- an artist is found under the name that the listener gave, too
names as (
    select
        artist_id,
        told_name as artist_name
    from artists
    union
    select
        artist_id,
        artist_name
    from artists
),

keyed as (
    select
        artist_id,
        artist_name,
        {{ comparable('artist_name') }} as artist_key
    from names
    where artist_name is not null
),

counts as (
    select
        tracks.artist_id,
        count(*) as plays
    from feed_rows
    inner join tracks on feed_rows.track_id = tracks.track_id
    group by tracks.artist_id
),

met as (
    select
        told.artist_name,
        keyed.artist_id,
        told.artist_name as told_name,
        keyed.artist_name as known_name
    from told
    inner join keyed on told.artist_key = keyed.artist_key
),

{{ meant_by_name('artist_name', 'artist_id') }},

-- a row for names that nobody bears as well: `int_settled` tells an artist who became known from a name that is new
final as (
    select
        told.artist_name,
        best.artist_id
    from told
    left join best on told.artist_name = best.artist_name
)

select * from final
