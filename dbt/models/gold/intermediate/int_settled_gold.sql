{{ config(materialized='table', schema='silver', contract={'enforced': false}, tags=['internal']) }}

{%- set moment = settled_before('int_settled') %}

with

settled as (
    select * from {{ ref('int_settled') }}
),

plays as (
    select
        track_id,
        album_id,
        played_at,
        {{ gold_name_key('artist_name') }} as artist_key,
        {{ gold_name_key('album_name') }} as album_key
    from {{ ref('fct_plays') }}
    where not is_excluded
),

-- artists whose plays by name alone, of before, go with the most played namesake
nameless as (
    select distinct plays.artist_key
    from plays
    inner join settled on plays.played_at < settled.settled_before
    where plays.track_id is null
),

-- albums known by name, of before, likewise
albumless as (
    select distinct
        plays.artist_key,
        plays.album_key
    from plays
    inner join settled on plays.played_at < settled.settled_before
    where plays.album_id is null and plays.album_key is not null
),

-- artists and albums whose plays were made again, as they are now and as they were
counted_again as (
    select
        artist_key,
        album_key
    from plays
    where {{ is_open('played_at') }}
    {% if moment is not none -%}
    union
    select
        {{ gold_name_key('artist_name') }},
        {{ gold_name_key('album_name') }}
    from {{ silver_place('int_plays_keyed') }}
    where {{ is_open('played_at') }}
    {%- endif %}
),

touched as (
    select count(*) as names
    from counted_again
    left join nameless on counted_again.artist_key = nameless.artist_key
    left join albumless
        on counted_again.artist_key = albumless.artist_key and counted_again.album_key = albumless.album_key
    where nameless.artist_key is not null or albumless.artist_key is not null
),

final as (
    select case when touched.names = 0 then settled.settled_before end as settled_before
    from settled
    cross join touched
)

select * from final
