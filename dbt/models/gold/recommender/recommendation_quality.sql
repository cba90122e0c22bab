{{ config(tags=['duckdb_only']) }}

{% set measures = [
    ('hit_rate@10', 'hit_10'),
    ('hit_rate@50', 'hit_50'),
    ('ndcg@10', 'ndcg_10'),
    ('ndcg@50', 'ndcg_50'),
] %}

with

measured as (
    select * from {{ ref('int_rec_measures') }}
),

lists as (
    select * from {{ ref('int_rec_lists') }}
    where case_id > 0
),

tracks as (
    select * from {{ ref('dim_tracks') }}
),

published as (
    select * from {{ ref('int_rec_models') }}
),

accuracy as (
    {% for name, column in measures -%}
        select
            kind,
            model,
            '{{ name }}' as measure,
            {{ column }} as value
        from measured
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- both kinds together under the name of the model, each kind beside it
pooled as (
    select
        model,
        measure,
        {{ gold_mean('value') }} as value,
        count(*) as lists
    from accuracy
    group by model, measure
    union all
    select
        model || '/' || kind as model,
        measure,
        {{ gold_mean('value') }} as value,
        count(*) as lists
    from accuracy
    group by model || '/' || kind, measure
),

named as (
    select
        lists.kind,
        lists.model,
        lists.case_id,
        lists.recording_id,
        tracks.popularity
    from lists
    left join tracks on lists.track_id = tracks.track_id
),

catalog_size as (
    select count(distinct recording_id) as recordings
    from tracks
),

reach as (
    select
        named.model,
        'coverage' as measure,
        cast(count(distinct named.recording_id) as double) / max(catalog_size.recordings) as value,
        count(distinct named.kind || named.case_id) as lists
    from named
    cross join catalog_size
    group by named.model
    union all
    select
        named.model || '/' || named.kind as model,
        'coverage' as measure,
        cast(count(distinct named.recording_id) as double) / max(catalog_size.recordings) as value,
        count(distinct named.case_id) as lists
    from named
    cross join catalog_size
    group by named.model || '/' || named.kind
    union all
    select
        model,
        'novelty' as measure,
        {{ gold_mean('1 - popularity / 100.0') }} as value,
        count(distinct kind || case_id) as lists
    from named
    group by model
    union all
    select
        model || '/' || kind as model,
        'novelty' as measure,
        {{ gold_mean('1 - popularity / 100.0') }} as value,
        count(distinct case_id) as lists
    from named
    group by model || '/' || kind
),

-- a model speaks under its own name only where it speaks for both kinds
speaking as (
    select model || '/' || kind as model
    from published
    union all
    select model
    from published
    group by model
    having count(*) = 2
),

together as (
    select * from pooled
    union all
    select * from reach
),

final as (
    select
        together.model,
        together.measure,
        together.value,
        speaking.model is not null as is_published,
        together.lists
    from together
    left join speaking on together.model = speaking.model
)

select * from final
