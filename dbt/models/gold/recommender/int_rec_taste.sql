{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

-- how the recordings that are hot on the day of a case sound together
with

recordings as (
    select * from {{ ref('int_rec_recordings') }}
    where heat_30 >= 0.01
),

names as (
    select * from {{ ref('listened_tracks') }}
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

sounds as (
    select * from {{ ref('int_rec_sounds') }}
),

heard as (
    select
        recordings.case_id,
        {%- for feature in gold_sound_features() %}
            {{ gold_standardised(feature) }} as {{ feature }},
        {%- endfor %}
        recordings.heat_30
    from recordings
    inner join names on recordings.recording_id = names.recording_id
    inner join tracks on names.track_id = tracks.track_id
    cross join sounds
    where tracks.energy is not null
),

final as (
    select
        case_id,
        {%- for feature in gold_sound_features() %}
            (
                cast(sum({{ gold_exact(feature ~ ' * heat_30') }}) as double)
                / nullif(cast(sum({{ gold_exact('heat_30') }}) as double), 0)
            ) as {{ feature }},
        {%- endfor %}
        count(*) as recordings
    from heard
    group by case_id
)

select * from final
