{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    Company: how often a rested recording was heard in one session with those that are hot now and were played in the
    last thirty days. Bounded by the hottest few of each case, one year back, and by sessions that a person sits through.
#}
{% set seeds = 30 %}
{% set days_now = 30 %}
{% set days_back = 365 %}
{% set longest_session = 100 %}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

recordings as (
    select * from {{ ref('int_rec_recordings') }}
),

rested as (
    select * from {{ ref('int_rec_rested') }}
    where place_ours <= 1000
),

sessions as (
    select session_id
    from {{ ref('sessions') }}
    where plays between 2 and {{ longest_session }}
),

placed as (
    select
        recordings.case_id,
        recordings.recording_id,
        recordings.heat_30,
        cases.cut_on,
        row_number() over (
            partition by recordings.case_id order by recordings.heat_30 desc, recordings.recording_id asc
        ) as place
    from recordings
    inner join cases on recordings.case_id = cases.case_id
    where cases.cut_on - recordings.last_played_on <= {{ days_now }}
),

seeds as (
    select *
    from placed
    where place <= {{ seeds }}
),

appearances as (
    select distinct
        plays.session_id,
        plays.recording_id,
        plays.played_on
    from {{ ref('int_plays_keyed') }} as plays
    inner join sessions on plays.session_id = sessions.session_id
    where plays.is_counted
),

seed_sessions as (
    select
        seeds.case_id,
        seeds.recording_id as seed_id,
        seeds.heat_30,
        seeds.cut_on,
        appearances.session_id
    from seeds
    inner join appearances on seeds.recording_id = appearances.recording_id
    where
        appearances.played_on < seeds.cut_on
        and appearances.played_on >= seeds.cut_on - {{ days_back }}
),

pairs as (
    select
        seed_sessions.case_id,
        appearances.recording_id,
        seed_sessions.seed_id,
        seed_sessions.heat_30,
        count(distinct seed_sessions.session_id) as times
    from seed_sessions
    inner join appearances on seed_sessions.session_id = appearances.session_id
    inner join rested
        on seed_sessions.case_id = rested.case_id and appearances.recording_id = rested.recording_id
    where appearances.played_on < seed_sessions.cut_on
    group by seed_sessions.case_id, appearances.recording_id, seed_sessions.seed_id, seed_sessions.heat_30
),

ordered as (
    select
        *,
        row_number() over (partition by case_id, recording_id order by times desc, heat_30 desc, seed_id asc) as place
    from pairs
),

final as (
    select
        case_id,
        recording_id,
        cast(sum({{ gold_exact('times * heat_30') }}) as double) as company,
        max(case when place = 1 then seed_id end) as seed_id,
        cast(max(case when place = 1 then times end) as bigint) as seed_times
    from ordered
    group by case_id, recording_id
)

select * from final
