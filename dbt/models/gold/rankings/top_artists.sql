with

daily as (
    select * from {{ ref('daily_artists') }}
),

days as (
    select * from {{ ref('daily_listening') }}
),

names as (
    select * from {{ ref('listened_artists') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

{{ gold_periods(['artist_key']) }},

{{ gold_ranks('artist_key', 'artist_key') }},

final as (
    select
        compared.period,
        compared.period_start,
        compared.rank,
        compared.previous_rank,
        names.artist_id,
        names.artist_name,
        compared.plays,
        compared.ms_played,
        compared.artist_key,
        compared.previous_plays,
        compared.first_played_at,
        compared.last_played_at,
        compared.is_minimum
    from compared
    inner join names on compared.artist_key = names.artist_key
)

select * from final
