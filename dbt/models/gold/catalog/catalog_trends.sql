with

tracks as (
    select * from {{ ref('dim_tracks') }}
),

albums as (
    select * from {{ ref('dim_albums') }}
),

released as (
    select
        tracks.*,
        cast(extract(year from albums.released_on) as bigint) as release_year
    from tracks
    inner join albums on tracks.album_id = albums.album_id
    where albums.released_on is not null
),

final as (
    select
        release_year,
        count(*) as tracks,
        {{ gold_mean('popularity') }} as popularity,
        {%- for feature in gold_audio_features() %}
            {{ gold_mean(feature) }} as {{ feature }},
        {%- endfor %}
        {{ gold_mean('duration_ms') }} as duration_ms,
        {{ gold_count_if('energy is not null') }} as tracks_with_features
    from released
    group by release_year
)

select * from final
