{{ config(materialized='table', schema='silver', contract={'enforced': false}, tags=['internal']) }}

with

settled as (
    select * from {{ ref('int_settled') }}
),

-- plays that are known by names alone may go from one namesake to another, whenever they were
nameless as (
    select count(*) as plays
    from {{ ref('fct_plays') }}
    where track_id is null and not is_excluded
),

final as (
    select case when nameless.plays = 0 then settled.settled_before end as settled_before
    from settled
    cross join nameless
)

select * from final
