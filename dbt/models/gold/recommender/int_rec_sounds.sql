{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

-- what the catalog sounds like: the measure by which features become comparable
with

tracks as (
    select * from {{ ref('dim_tracks') }}
),

final as (
    select
        {%- for feature in gold_sound_features() %}
            round({{ gold_mean(feature) }}, 9) as {{ feature }}_mean,
            round(
                sqrt(greatest({{ gold_mean(feature ~ ' * ' ~ feature) }} - pow({{ gold_mean(feature) }}, 2), 0)), 9
            ) as {{ feature }}_spread,
        {%- endfor %}
        count(*) as tracks
    from tracks
)

select * from final
