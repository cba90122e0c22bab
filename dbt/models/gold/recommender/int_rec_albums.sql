{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

with

recordings as (
    select * from {{ ref('int_rec_recordings') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
    where album_id is not null
),

final as (
    select
        recordings.case_id,
        names.album_id,
        cast(sum({{ gold_exact('recordings.heat_30') }}) as double) as heat_30
    from recordings
    inner join names on recordings.recording_id = names.recording_id
    where recordings.plays > 0
    group by recordings.case_id, names.album_id
)

select * from final
