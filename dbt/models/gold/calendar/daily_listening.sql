with

plays as (
    select * from {{ ref('int_plays_keyed') }}
    where is_counted
),

daily_tracks as (
    select * from {{ ref('daily_tracks') }}
),

daily_artists as (
    select * from {{ ref('daily_artists') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

sums as (
    select
        played_on,
        count(*) as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        min(played_at) as first_played_at,
        max(played_at) as last_played_at
    from plays
    group by played_on
),

tracks as (
    select
        played_on,
        count(distinct recording_id) as tracks
    from daily_tracks
    group by played_on
),

artists as (
    select
        played_on,
        count(*) as artists
    from daily_artists
    group by played_on
),

first_days_of_tracks as (
    select
        recording_id,
        min(played_on) as played_on
    from daily_tracks
    group by recording_id
),

new_tracks as (
    select
        played_on,
        count(*) as new_tracks
    from first_days_of_tracks
    group by played_on
),

first_days_of_artists as (
    select
        artist_key,
        min(played_on) as played_on
    from daily_artists
    group by artist_key
),

new_artists as (
    select
        played_on,
        count(*) as new_artists
    from first_days_of_artists
    group by played_on
),

final as (
    select
        sums.played_on,
        sums.plays,
        sums.ms_played,
        artists.artists,
        tracks.tracks,
        coalesce(new_artists.new_artists, 0) as new_artists,
        coalesce(new_tracks.new_tracks, 0) as new_tracks,
        gap_days.gap_on is not null as is_minimum,
        {{ gold_week_starts_on('sums.played_on') }} as week_starts_on,
        sums.first_played_at,
        sums.last_played_at
    from sums
    inner join tracks on sums.played_on = tracks.played_on
    inner join artists on sums.played_on = artists.played_on
    left join new_tracks on sums.played_on = new_tracks.played_on
    left join new_artists on sums.played_on = new_artists.played_on
    left join gap_days on sums.played_on = gap_days.gap_on
)

select * from final
