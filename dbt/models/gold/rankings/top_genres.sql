with

daily as (
    select * from {{ ref('daily_genres') }}
),

days as (
    select * from {{ ref('daily_listening') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

{{ gold_periods(['genre']) }},

{{ gold_ranks('genre', 'genre') }},

final as (
    select
        period,
        period_start,
        rank,
        previous_rank,
        genre as genre_id,
        genre as genre_name,
        plays,
        ms_played,
        previous_plays,
        first_played_at,
        last_played_at,
        is_minimum
    from compared
)

select * from final
