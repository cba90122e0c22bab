{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    One number per model, case and recording. The weights were found on simulated listeners; on every history the
    measures of recommendation_quality say whether they hold.
#}

with

rested as (
    select * from {{ ref('int_rec_rested') }}
),

unheard as (
    select * from {{ ref('int_rec_unheard') }}
),

together as (
    select * from {{ ref('int_rec_together') }}
),

albums as (
    select * from {{ ref('int_rec_albums') }}
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

sounds as (
    select * from {{ ref('int_rec_sounds') }}
),

taste as (
    select * from {{ ref('int_rec_taste') }}
),

compared as (
    select track_id
    from rested
    union
    select track_id
    from unheard
    where model = 'ours'
),

sounding as (
    select
        {%- for feature in gold_sound_features() %}
            {{ gold_standardised(feature) }} as {{ feature }},
        {%- endfor %}
        tracks.track_id
    from tracks
    inner join compared on tracks.track_id = compared.track_id
    cross join sounds
),

rediscover as (
    select
        rested.case_id,
        rested.recording_id,
        rested.track_id,
        rested.artist_key,
        rested.place_popularity,
        rested.place_recency,
        rested.place_random,
        rested.place_ours,
        rested.plays,
        rested.last_on,
        rested.promise
        + 0.2 * ln(1 + coalesce(together.company, 0))
        + 0.2 * ln(1 + coalesce(albums.heat_30, 0))
        + 0.2 * {{ gold_likeness('sounding', 'taste') }}
        - cast(rested.skips as double) / rested.streams as score
    from rested
    left join together on rested.case_id = together.case_id and rested.recording_id = together.recording_id
    left join albums on rested.case_id = albums.case_id and rested.album_id = albums.album_id
    left join sounding on rested.track_id = sounding.track_id
    left join taste on rested.case_id = taste.case_id
),

discover as (
    select
        unheard.case_id,
        unheard.recording_id,
        unheard.track_id,
        unheard.artist_id,
        2 * ln(1 + unheard.artist_heat)
        + 0.3 * ln(1 + unheard.artist_heat_180)
        + 0.3 * ln(1 + coalesce(albums.heat_30, 0))
        + 0.05 * ln(1 + unheard.genre_heat)
        + 0.1 * {{ gold_likeness('sounding', 'taste') }}
        + 0.002 * unheard.popularity as score
    from unheard
    left join albums on unheard.case_id = albums.case_id and unheard.album_id = albums.album_id
    left join sounding on unheard.track_id = sounding.track_id
    left join taste on unheard.case_id = taste.case_id
    where unheard.model = 'ours'
),

drawn as (
    select
        *,
        row_number() over (
            partition by case_id order by {{ gold_shuffle("case_id || '|' || track_id") }}
        ) as place_random
    from unheard
    where model = 'random'
),

final as (
    select
        'rediscover' as kind,
        'ours' as model,
        case_id,
        recording_id,
        track_id,
        artist_key,
        round(score, 6) as score
    from rediscover
    where place_ours <= 1000
    union all
    select
        'rediscover' as kind,
        'popularity' as model,
        case_id,
        recording_id,
        track_id,
        artist_key,
        cast(plays as double) as score
    from rediscover
    where place_popularity <= 50
    union all
    select
        'rediscover' as kind,
        'recency' as model,
        case_id,
        recording_id,
        track_id,
        artist_key,
        cast(last_on - date '1970-01-01' as double) as score
    from rediscover
    where place_recency <= 50
    union all
    select
        'rediscover' as kind,
        'random' as model,
        case_id,
        recording_id,
        track_id,
        artist_key,
        cast(-place_random as double) as score
    from rediscover
    where place_random <= 50
    union all
    select
        'discover' as kind,
        'ours' as model,
        case_id,
        recording_id,
        track_id,
        artist_id as artist_key,
        round(score, 6) as score
    from discover
    where score is not null
    union all
    select
        'discover' as kind,
        'popularity' as model,
        case_id,
        recording_id,
        track_id,
        artist_id as artist_key,
        cast(popularity as double) as score
    from unheard
    where model = 'popularity'
    union all
    select
        'discover' as kind,
        'recency' as model,
        case_id,
        recording_id,
        track_id,
        artist_id as artist_key,
        cast(released_on - date '1970-01-01' as double) as score
    from unheard
    where model = 'recency'
    union all
    select
        'discover' as kind,
        'random' as model,
        case_id,
        recording_id,
        track_id,
        artist_id as artist_key,
        cast(-place_random as double) as score
    from drawn
    where place_random <= 1000
)

select * from final
