{{ config(materialized='table') }}

-- only an answer with a page says anything about the time before it
with pages as (
    select
        poll_id,
        polled_at,
        item_count,
        item_keys,
        digest,
        oldest_played_at,
        newest_played_at
    from {{ ref('stg_spotify_api__polls') }}
    where status = 200
),

spans as (
    select * from {{ ref('int_export_spans') }}
),

-- plays that the API did give, and that the lake has lost
lost as (
    select
        first_at,
        last_at,
        lost_rows
    from {{ source('lake', 'losses') }}
    where table_name = 'spotify_api__plays' and not is_healed and first_at is not null
),

pairs as (
    select
        polled_at,
        item_count,
        digest,
        item_keys,
        oldest_played_at,
        lag(newest_played_at) over (order by polled_at, poll_id) as earlier_newest_at,
        lag(digest) over (order by polled_at, poll_id) as earlier_digest,
        lag(item_keys) over (order by polled_at, poll_id) as earlier_keys,
        lag(polled_at) over (order by polled_at, poll_id) as earlier_polled_at
    from pages
),

doubted as (
    select
        least(earlier_newest_at, oldest_played_at) as from_at,
        greatest(earlier_newest_at, oldest_played_at) as to_at
    from pairs
    where
        earlier_polled_at is not null
        and item_count >= 50
        and coalesce(digest <> earlier_digest, true)
        and not coalesce({{ lists_overlap('item_keys', 'earlier_keys') }}, false)
),

unproven as (
    select * from doubted
    union all
    select
        {{ from_ms(to_ms('first_at') ~ ' - 1') }},
        last_at
    from lost
),

ends as (
    select
        min(polled_at) as from_at,
        max(polled_at) as to_at
    from pages
    having count(*) > 0
),

-- the first page reaches back behind the first poll, where the ledger does not go
clipped as (
    select
        greatest(
            coalesce(unproven.from_at, ends.from_at),
            ends.from_at,
            coalesce(max(unproven.to_at) over (
                order by unproven.to_at, unproven.from_at rows between unbounded preceding and 1 preceding
            ), ends.from_at)
        ) as from_at,
        least(unproven.to_at, ends.to_at) as to_at
    from unproven
    cross join ends
),

gaps as (
    select * from clipped
    where from_at < to_at
),

covered_gaps as (
    select
        gaps.from_at,
        gaps.to_at,
        count(spans.from_at) > 0 as is_covered
    from gaps
    left join spans on gaps.from_at >= spans.from_at and gaps.to_at <= spans.to_at
    group by gaps.from_at, gaps.to_at
),

counted_gaps as (
    select
        covered_gaps.from_at,
        covered_gaps.to_at,
        covered_gaps.is_covered,
        coalesce(sum(lost.lost_rows), 0) as lost_rows
    from covered_gaps
    left join lost on covered_gaps.from_at < lost.last_at and covered_gaps.to_at >= lost.last_at
    group by covered_gaps.from_at, covered_gaps.to_at, covered_gaps.is_covered
),

-- what lies between two gaps is proven
proven as (
    select
        coalesce(lag(gaps.to_at) over (order by gaps.from_at), ends.from_at) as from_at,
        gaps.from_at as to_at
    from gaps
    cross join ends
    union all
    select
        coalesce(max(gaps.to_at), ends.from_at),
        ends.to_at
    from ends
    left join gaps on true
    group by ends.from_at, ends.to_at
),

stretches as (
    select
        from_at,
        to_at,
        'proven' as state,
        cast(0 as bigint) as missing_at_least
    from proven
    where from_at < to_at
    union all
    select
        from_at,
        to_at,
        case when is_covered then 'covered by export' else 'gap' end,
        cast(case when is_covered then 0 else lost_rows end as bigint)
    from counted_gaps
)

select * from stretches
