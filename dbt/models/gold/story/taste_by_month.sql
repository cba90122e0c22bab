with

daily as (
    select * from {{ ref('daily_tracks') }}
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

monthly as (
    select
        {{ gold_month('played_on') }} as month,
        track_id,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played
    from daily
    group by {{ gold_month('played_on') }}, track_id
),

described as (
    select
        monthly.month,
        monthly.plays,
        monthly.ms_played,
        {%- for feature in gold_audio_features() %}
            tracks.{{ feature }},
        {%- endfor %}
        tracks.popularity
    from monthly
    left join tracks on monthly.track_id = tracks.track_id
),

weighed as (
    select
        month,
        {{ gold_sum('plays') }} as plays,
        {{ gold_sum('ms_played') }} as ms_played,
        {%- for feature in gold_taste_features() %}
            {{ gold_weighted_mean(feature, 'ms_played') }} as {{ feature }},
        {%- endfor %}
        {{ gold_weighted_mean('popularity', 'ms_played') }} as popularity,
        {{ gold_share(gold_sum_if('ms_played', 'energy is not null'), gold_sum('ms_played')) }} as features_share
    from described
    group by month
),

gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        weighed.*,
        gap_months.month is not null as is_minimum
    from weighed
    left join gap_months on weighed.month = gap_months.month
)

select * from final
