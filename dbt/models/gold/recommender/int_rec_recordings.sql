{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    Of what was last heard before the earliest case only that goes on which a list could name: the hottest, the best of
    each baseline (their order among the old does not change), and an even sample for chance.
#}
{% set hottest = 20000 %}
{% set sample = 2000 %}

with

cases as (
    select * from {{ ref('int_rec_cases') }}
),

days as (
    select
        played_on,
        recording_id,
        plays,
        streams,
        skips,
        finishes
    from {{ ref('int_rec_days') }}
),

{{ gold_heat_base(['recording_id'], [30, 180]) }},

young_recordings as (
    select distinct recording_id from young
),

-- the sample is drawn from old and young alike
drawn as (
    select recording_id
    from (
        select recording_id from base
        union
        select recording_id from young_recordings
    ) as known
    order by {{ gold_shuffle('recording_id') }}
    limit {{ sample }}
),

hot as (
    select recording_id from base
    order by heat_180 desc, recording_id asc
    limit {{ hottest }}
),

most_played as (
    select base.recording_id
    from base
    left join young_recordings on base.recording_id = young_recordings.recording_id
    where young_recordings.recording_id is null
    order by base.plays desc, base.recording_id asc
    limit 50
),

newest as (
    select base.recording_id
    from base
    left join young_recordings on base.recording_id = young_recordings.recording_id
    where young_recordings.recording_id is null and base.plays >= 2
    order by base.last_on desc, base.recording_id asc
    limit 50
),

going_on as (
    select recording_id from young_recordings
    union
    select recording_id from drawn
    union
    select recording_id from hot
    union
    select recording_id from most_played
    union
    select recording_id from newest
),

old as (
    select base.*
    from base
    inner join going_on on base.recording_id = going_on.recording_id
),

-- whether chance may draw it
sampled as (
    select
        going_on.recording_id,
        drawn.recording_id is not null as is_drawn
    from going_on
    left join drawn on going_on.recording_id = drawn.recording_id
),

{{ gold_heat(['recording_id'], [30, 180], old='old') }},

final as (
    select
        summed.*,
        sampled.is_drawn
    from summed
    inner join sampled on summed.recording_id = sampled.recording_id
)

select * from final
