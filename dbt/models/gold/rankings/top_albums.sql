with

daily as (
    select * from {{ ref('daily_albums') }}
),

days as (
    select * from {{ ref('daily_listening') }}
),

names as (
    select * from {{ ref('listened_albums') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

{{ gold_periods(['album_key']) }},

{{ gold_ranks('album_key', 'album_key') }},

final as (
    select
        compared.period,
        compared.period_start,
        compared.rank,
        compared.previous_rank,
        names.album_id,
        names.album_name,
        names.artist_id,
        names.artist_name,
        compared.plays,
        compared.ms_played,
        compared.album_key,
        compared.previous_plays,
        compared.first_played_at,
        compared.last_played_at,
        compared.is_minimum
    from compared
    inner join names on compared.album_key = names.album_key
)

select * from final
