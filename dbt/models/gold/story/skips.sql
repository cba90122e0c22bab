with

streams as (
    select * from {{ ref('int_plays_keyed') }}
),

gap_days as (
    select * from {{ ref('int_gap_days') }}
),

summed as (
    select
        {{ gold_month('played_on') }} as month,
        {{ gold_count_if('is_counted') }} as plays,
        {{ gold_sum_if('ms_played', 'is_counted') }} as ms_played,
        count(*) as streams,
        {{ gold_count_if('is_skipped is not null') }} as streams_known,
        {{ gold_count_if('is_skipped') }} as skips,
        {{ gold_count_if('is_finished') }} as finishes,
        {{ gold_count_if('not is_counted') }} as short_streams
    from streams
    group by {{ gold_month('played_on') }}
),

gap_months as (
    select distinct {{ gold_month('gap_on') }} as month
    from gap_days
),

final as (
    select
        summed.*,
        {{ gold_share('summed.skips', 'summed.streams_known') }} as skip_share,
        {{ gold_share('summed.finishes', 'summed.streams') }} as finish_share,
        gap_months.month is not null as is_minimum
    from summed
    left join gap_months on summed.month = gap_months.month
)

select * from final
