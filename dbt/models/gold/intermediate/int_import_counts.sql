{{ config(
    materialized='tail',
    meta={'at': 'told_on'},
    schema='silver',
    contract={'enforced': false},
    tags=['internal'],
) }}

with

-- finding the day of each row would take longer than everything else: of the days around that moment alone
told as (
    select
        *,
        {{ gold_local_date('coalesce(ended_at, started_at)') }} as told_on
    from {{ ref('play_observations') }}
    where file_id is not null and {{ is_open('coalesce(ended_at, started_at)', days=2) }}
),

observations as (
    select * from told
    where {{ is_open('told_on') }}
),

plays as (
    select * from {{ ref('fct_plays') }}
),

-- whether a stream was long enough is the fact table's to say
reasoned as (
    select
        observations.told_on,
        observations.file_id,
        case
            when observations.reason in ('play', 'short') and plays.is_counted then 'play'
            when observations.reason in ('play', 'short') and not plays.is_counted then 'short'
            else observations.reason
        end as reason
    from observations
    left join plays on observations.play_id = plays.play_id
),

counted as (
    select
        told_on,
        file_id,
        reason,
        count(*) as row_count
    from reasoned
    group by told_on, file_id, reason
)

select * from counted
