with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

summed as (
    select
        played_on,
        hour,
        weekday,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played
    from plays
    group by played_on, hour, weekday
)

select * from summed
