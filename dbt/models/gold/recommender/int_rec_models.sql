{{ config(schema='silver', contract={'enforced': false}, tags=['internal', 'duckdb_only']) }}

{#
    Which model speaks for a kind: ours, where on this history it beats every baseline in both ndcg and loses to none in
    hit rate; else the better of popularity and recency; popularity where the history is too short to tell.
#}

with

measured as (
    select
        kind,
        model,
        {{ gold_mean('hit_10') }} as hit_10,
        {{ gold_mean('hit_50') }} as hit_50,
        {{ gold_mean('ndcg_10') }} as ndcg_10,
        {{ gold_mean('ndcg_50') }} as ndcg_50
    from {{ ref('int_rec_measures') }}
    group by kind, model
),

ours as (
    select * from measured
    where model = 'ours'
),

baselines as (
    select * from measured
    where model <> 'ours'
),

beaten as (
    select
        ours.kind,
        bool_and(
            ours.ndcg_10 > baselines.ndcg_10
            and ours.ndcg_50 > baselines.ndcg_50
            and ours.hit_10 >= baselines.hit_10
            and ours.hit_50 >= baselines.hit_50
        ) as is_better
    from ours
    inner join baselines on ours.kind = baselines.kind
    group by ours.kind
),

best_baseline as (
    select
        kind,
        model,
        row_number() over (partition by kind order by ndcg_50 desc, model asc) as place
    from measured
    where model in ('popularity', 'recency')
),

kinds as (
    select 'rediscover' as kind
    union all
    select 'discover' as kind
),

final as (
    select
        kinds.kind,
        case
            when beaten.is_better then 'ours'
            else coalesce(best_baseline.model, 'popularity')
        end as model
    from kinds
    left join beaten on kinds.kind = beaten.kind
    left join best_baseline on kinds.kind = best_baseline.kind and best_baseline.place = 1
)

select * from final
