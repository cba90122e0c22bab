{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    What can be rediscovered on the day of a case: heard before, but not for a month. The most promising thousand by
    their own heat and that of their artist go on; what costs more is asked of them alone.
#}
{% set rest_days = 30 %}
{% set least_plays = 2 %}
{% set kept = 1000 %}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

recordings as (
    select * from {{ ref('int_rec_recordings') }}
),

names as (
    select * from {{ ref('listened_tracks') }}
    where track_id is not null
),

artists as (
    select * from {{ ref('int_rec_artists') }}
),

rested as (
    select
        recordings.case_id,
        recordings.recording_id,
        names.track_id,
        names.artist_key,
        names.album_id,
        recordings.plays,
        recordings.streams,
        recordings.skips,
        recordings.finishes,
        recordings.last_on,
        recordings.last_played_on,
        recordings.last_finished_on,
        recordings.heat_180,
        recordings.is_drawn,
        coalesce(artists.heat_14, 0) as artist_heat,
        round(1.5 * ln(1 + recordings.heat_180) + ln(1 + coalesce(artists.heat_14, 0)), 9) as promise
    from recordings
    inner join cases on recordings.case_id = cases.case_id
    inner join names on recordings.recording_id = names.recording_id
    left join artists on recordings.case_id = artists.case_id and names.artist_key = artists.artist_key
    where recordings.plays >= {{ least_plays }} and cases.cut_on - recordings.last_on > {{ rest_days }}
),

-- the baselines choose from all of it, each its own best
placed as (
    select
        *,
        row_number() over (partition by case_id order by promise desc, recording_id asc) as place_ours,
        row_number() over (partition by case_id order by plays desc, recording_id asc) as place_popularity,
        row_number() over (partition by case_id order by last_on desc, recording_id asc) as place_recency,
        case
            when is_drawn then row_number() over (
                partition by case_id, is_drawn order by {{ gold_shuffle("case_id || '|' || recording_id") }}
            )
        end as place_random
    from rested
),

final as (
    select *
    from placed
    where place_ours <= {{ kept }} or place_popularity <= 50 or place_recency <= 50 or place_random <= 50
)

select * from final
