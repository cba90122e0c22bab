with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

albums as (
    select * from {{ ref('dim_albums') }}
),

artists as (
    select * from {{ ref('dim_artists') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

monthly as (
    select
        {{ gold_month('played_on') }} as month,
        track_id,
        artist_id,
        album_id,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        {{ gold_count_if('is_ms_played_estimated') }} as plays_estimated
    from plays
    group by {{ gold_month('played_on') }}, track_id, artist_id, album_id
),

described as (
    select
        monthly.month,
        monthly.plays,
        monthly.ms_played,
        monthly.plays_estimated,
        monthly.track_id is not null as has_id,
        tracks.energy is not null as has_features,
        tracks.isrc is not null as has_isrc,
        tracks.duration_ms is not null as has_duration,
        albums.released_on is not null as has_release_date,
        coalesce({{ list_length('artists.genres') }}, 0) > 0 as has_genres
    from monthly
    left join tracks on monthly.track_id = tracks.track_id
    left join albums on monthly.album_id = albums.album_id
    left join artists on monthly.artist_id = artists.artist_id
),

summed as (
    select
        month,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        {{ gold_sum_if('plays', 'has_id') }} as plays_with_id,
        {{ gold_sum_if('plays', 'has_features') }} as plays_with_features,
        {{ gold_sum_if('plays', 'has_isrc') }} as plays_with_isrc,
        {{ gold_sum_if('plays', 'has_genres') }} as plays_with_genres,
        {{ gold_sum_if('plays', 'has_release_date') }} as plays_with_release_date,
        {{ gold_sum_if('plays', 'has_duration') }} as plays_with_duration,
        {{ gold_sum('plays_estimated') }} as plays_estimated
    from described
    group by month
),

gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        summed.*,
        {{ gold_share('summed.plays_with_features', 'summed.plays') }} as features_share,
        {{ gold_share('summed.plays_with_isrc', 'summed.plays') }} as isrc_share,
        {{ gold_share('summed.plays_with_genres', 'summed.plays') }} as genres_share,
        gap_months.month is not null as is_minimum
    from summed
    left join gap_months on summed.month = gap_months.month
)

select * from final
