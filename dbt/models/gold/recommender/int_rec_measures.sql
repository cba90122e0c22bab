{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

-- each list of the past against the week that followed
with

cases as (
    select * from {{ ref('int_rec_cases') }}
    where case_id > 0
),

days as (
    select * from {{ ref('int_rec_days') }}
    where plays > 0
),

lists as (
    select * from {{ ref('int_rec_lists') }}
),

first_heard as (
    select * from {{ ref('int_rec_heard') }}
),

came_true as (
    select distinct
        cases.case_id,
        days.recording_id,
        first_heard.first_on >= cases.cut_on as is_new
    from cases
    inner join days on days.played_on between cases.cut_on and cases.until_on
    inner join first_heard on days.recording_id = first_heard.recording_id
),

-- what could have been found: new ones by discover, rested ones by rediscover
before_cut as (
    select
        case_id,
        recording_id,
        plays,
        last_on
    from {{ ref('int_rec_recordings') }}
),

targets as (
    select
        'discover' as kind,
        case_id,
        recording_id
    from came_true
    where is_new
    union all
    select
        'rediscover' as kind,
        came_true.case_id,
        came_true.recording_id
    from came_true
    inner join cases on came_true.case_id = cases.case_id
    inner join before_cut
        on came_true.case_id = before_cut.case_id and came_true.recording_id = before_cut.recording_id
    where before_cut.plays >= 2 and cases.cut_on - before_cut.last_on > 30
),

target_counts as (
    select
        kind,
        case_id,
        count(*) as targets
    from targets
    group by kind, case_id
),

models as (
    select distinct model from lists
),

gains as (
    select
        lists.kind,
        lists.model,
        lists.case_id,
        lists.place,
        case when targets.recording_id is null then 0 else 1 end as is_hit
    from lists
    left join targets
        on
            lists.kind = targets.kind
            and lists.case_id = targets.case_id
            and lists.recording_id = targets.recording_id
),

summed as (
    select
        kind,
        model,
        case_id,
        max(case when place <= 10 then is_hit else 0 end) as hit_10,
        max(is_hit) as hit_50,
        cast(
            sum(case when place <= 10 then {{ gold_exact('is_hit / log2(place + 1)') }} else 0 end) as double
        ) as dcg_10,
        cast(sum({{ gold_exact('is_hit / log2(place + 1)') }}) as double) as dcg_50
    from gains
    group by kind, model, case_id
),

places as (
    select {{ unnest_range('cast(1 as bigint)', 'cast(50 as bigint)') }} as place
),

ideals as (
    select
        target_counts.kind,
        target_counts.case_id,
        cast(
            sum(case when places.place <= 10 then {{ gold_exact('1 / log2(places.place + 1)') }} else 0 end) as double
        ) as ideal_10,
        cast(sum({{ gold_exact('1 / log2(places.place + 1)') }}) as double) as ideal_50
    from target_counts
    inner join places on target_counts.targets >= places.place
    group by target_counts.kind, target_counts.case_id
),

-- a week in which nothing could have been found says nothing about a list
final as (
    select
        ideals.kind,
        models.model,
        ideals.case_id,
        cast(coalesce(summed.hit_10, 0) as double) as hit_10,
        cast(coalesce(summed.hit_50, 0) as double) as hit_50,
        coalesce(summed.dcg_10, 0) / ideals.ideal_10 as ndcg_10,
        coalesce(summed.dcg_50, 0) / ideals.ideal_50 as ndcg_50
    from ideals
    cross join models
    left join summed
        on ideals.kind = summed.kind and ideals.case_id = summed.case_id and models.model = summed.model
)

select * from final
