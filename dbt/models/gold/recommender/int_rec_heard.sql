{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

-- what was streamed is no discovery, whether a rule excludes the stream or counts it as one of another track
with

days as (
    select * from {{ ref('int_rec_days') }}
),

plays as (
    select * from {{ ref('fct_plays') }}
    where track_id is not null
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

rules as (
    select * from {{ ref('stg_curation__rules') }}
),

mergers as (
    {{ mergers('track') }}
),

streams as (
    select
        recording_id,
        played_on
    from days
    union all
    select
        coalesce(recording_id, track_id) as recording_id,
        played_on
    from plays
    where is_excluded
    union all
    select
        tracks.recording_id,
        plays.played_on
    from mergers
    inner join plays on mergers.into_id = plays.track_id
    inner join tracks on mergers.from_id = tracks.track_id
),

final as (
    select
        recording_id,
        min(played_on) as first_on
    from streams
    group by recording_id
)

select * from final
