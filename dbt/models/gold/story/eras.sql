with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

albums as (
    select * from {{ ref('dim_albums') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

monthly as (
    select
        {{ gold_month('played_on') }} as month,
        recording_id,
        album_id,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(played_on) as first_played_on,
        max(played_on) as last_played_on
    from plays
    group by {{ gold_month('played_on') }}, recording_id, album_id
),

released as (
    select
        monthly.month,
        monthly.recording_id,
        monthly.plays,
        monthly.ms_played,
        monthly.first_played_on,
        monthly.last_played_on,
        cast(floor(extract(year from albums.released_on) / 10) * 10 as bigint) as decade
    from monthly
    left join albums on monthly.album_id = albums.album_id
),

summed as (
    select
        month,
        decade,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        count(distinct recording_id) as tracks,
        min(first_played_on) as first_played_on,
        max(last_played_on) as last_played_on
    from released
    group by month, decade
),

gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        summed.month,
        coalesce(cast(summed.decade as {{ text_type() }}) || 's', 'unknown') as era,
        summed.decade,
        summed.plays,
        summed.ms_played,
        summed.tracks,
        summed.first_played_on,
        summed.last_played_on,
        gap_months.month is not null as is_minimum
    from summed
    left join gap_months on summed.month = gap_months.month
)

select * from final
