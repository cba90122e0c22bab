{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{# a list of fifty is no fun with one artist in it: ours takes at most a few of each, and is measured so #}
{% set length = 50 %}
{% set of_one_artist = 8 %}

with

scored as (
    select * from {{ ref('int_rec_scored') }}
),

-- a recording once, by its best track
single as (
    select
        *,
        row_number() over (
            partition by kind, model, case_id, recording_id order by score desc, track_id asc
        ) as copy_place
    from scored
),

spread as (
    select
        *,
        row_number() over (
            partition by kind, model, case_id, artist_key order by score desc, recording_id asc
        ) as artist_place
    from single
    where copy_place = 1
),

placed as (
    select
        *,
        row_number() over (partition by kind, model, case_id order by score desc, recording_id asc) as place
    from spread
    where model <> 'ours' or artist_place <= {{ of_one_artist }}
),

final as (
    select
        kind,
        model,
        case_id,
        place,
        recording_id,
        track_id,
        score
    from placed
    where place <= {{ length }}
)

select * from final
