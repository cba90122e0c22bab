with

daily as (
    select * from {{ ref('daily_artists') }}
),

artists as (
    select * from {{ ref('dim_artists') }}
),

-- a genre told twice of one artist still counts once
artist_genres as (
    select distinct
        artist_id,
        genre
    from (
        select
            artist_id,
            {{ unnest_list('genres') }} as genre
        from artists
    ) as unfolded
    where genre is not null and genre <> ''
),

summed as (
    select
        daily.played_on,
        artist_genres.genre,
        {{ gold_sum('daily.plays') }} as plays,
        {{ gold_sum('daily.ms_played') }} as ms_played,
        count(*) as artists,
        min(daily.first_played_at) as first_played_at,
        max(daily.last_played_at) as last_played_at
    from daily
    inner join artist_genres on daily.artist_key = artist_genres.artist_id
    group by daily.played_on, artist_genres.genre
)

select * from summed
order by played_on
