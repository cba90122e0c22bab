{{ config(materialized='table', schema='silver', contract={'enforced': false}, tags=['internal']) }}

{%- set moment = settled_before('int_settled') %}

with

settled as (
    select * from {{ ref('int_settled') }}
),

plays as (
    select
        track_id,
        played_at,
        {{ gold_name_key('artist_name') }} as artist_key
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

-- artists whose plays were made again, as they are now and as they were
counted_again as (
    select artist_key from plays
    where {{ is_open('played_at') }}
    {% if moment is not none -%}
    union
    select {{ gold_name_key('artist_name') }} from {{ silver_place('int_plays_keyed') }}
    where {{ is_open('played_at') }}
    {%- endif %}
),

touched as (
    select count(*) as artists
    from nameless
    inner join counted_again on nameless.artist_key = counted_again.artist_key
),

final as (
    select case when touched.artists = 0 then settled.settled_before end as settled_before
    from settled
    cross join touched
)

select * from final
