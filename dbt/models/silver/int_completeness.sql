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

plays as (
    select
        played_at,
        track_uri
    from {{ ref('stg_spotify_api__plays') }}
),

-- plays that the API did give, and that the lake has lost
losses as (
    select
        first_at,
        last_at,
        lost_rows
    from {{ source('lake', 'losses') }}
    where table_name = 'spotify_api__plays' and not is_healed
),

-- of a file that nobody could read when it was written the times are unknown: its plays are those that only pages tell
untimed as (
    select count(*) as files
    from losses
    where first_at is null
    having count(*) > 0
),

page_items as (
    select distinct {{ unnest_list('pages.item_keys') }} as item_key
    from pages
    cross join untimed
),

items as (
    select
        try_cast(split_part(item_key, '|', 1) as {{ instant_type() }}) as played_at,
        substring(item_key, length(split_part(item_key, '|', 1)) + 2) as track_uri
    from page_items
),

judged_items as (
    select
        items.played_at,
        items.track_uri,
        case when plays.played_at is null then 1 else 0 end as is_lost
    from items
    left join plays on items.played_at = plays.played_at and items.track_uri = coalesce(plays.track_uri, '')
    where items.played_at is not null
),

-- lost items with no other between them share a number
numbered_items as (
    select
        played_at,
        is_lost,
        sum(1 - is_lost) over (order by played_at, track_uri rows unbounded preceding) as run
    from judged_items
),

lost as (
    select
        first_at,
        last_at,
        lost_rows
    from losses
    where first_at is not null
    union all
    select
        min(played_at),
        max(played_at),
        cast(sum(is_lost) as bigint)
    from numbered_items
    where is_lost = 1
    group by run
),

pairs as (
    select
        poll_id,
        polled_at,
        item_count,
        digest,
        item_keys,
        oldest_played_at,
        {{ list_least('item_keys') }} as oldest_key,
        coalesce(oldest_played_at, polled_at) as begins_at,
        lag(newest_played_at) over (order by polled_at, poll_id) as earlier_newest_at,
        lag(digest) over (order by polled_at, poll_id) as earlier_digest,
        lag(item_keys) over (order by polled_at, poll_id) as earlier_keys,
        lag(polled_at) over (order by polled_at, poll_id) as earlier_polled_at
    from pages
),

-- a page without a time, as an empty one, is as old as its poll; least and greatest would pass a null over
dated as (
    select
        *,
        coalesce(earlier_newest_at, earlier_polled_at) as earlier_ends_at
    from pairs
),

full_pages as (
    select
        *,
        coalesce({{ lists_overlap('item_keys', 'earlier_keys') }}, false) as is_tied,
        coalesce(array_contains(earlier_keys, oldest_key), false) as is_oldest_known
    from dated
    where
        earlier_polled_at is not null
        and item_count >= 50
        -- pages of which no item can be read are equal in nothing but that
        and (oldest_played_at is null or coalesce(digest <> earlier_digest, true))
),

doubted as (
    select
        least(earlier_ends_at, begins_at) as from_at,
        greatest(earlier_ends_at, begins_at) as to_at
    from full_pages
    where not is_tied
),

-- a play that came late takes its place by its time: at the bottom of a full page, others may have come below it
spilled as (
    select
        full_pages.poll_id,
        full_pages.polled_at,
        full_pages.oldest_played_at
    from full_pages
    where
        full_pages.is_tied
        and not full_pages.is_oldest_known
        and not exists (
            select 1
            from pages
            where
                pages.polled_at < full_pages.polled_at
                and pages.oldest_played_at <= full_pages.oldest_played_at
                and pages.newest_played_at >= full_pages.oldest_played_at
                and array_contains(pages.item_keys, full_pages.oldest_key)
        )
),

shown_keys as (
    select
        spilled.poll_id,
        spilled.oldest_played_at,
        {{ unnest_list('pages.item_keys') }} as item_key
    from spilled
    inner join pages on
        spilled.polled_at > pages.polled_at
        and spilled.oldest_played_at > pages.oldest_played_at
        and spilled.oldest_played_at <= pages.newest_played_at
),

shown_times as (
    select
        poll_id,
        oldest_played_at,
        try_cast(split_part(item_key, '|', 1) as {{ instant_type() }}) as shown_at
    from shown_keys
    union all
    select
        spilled.poll_id,
        spilled.oldest_played_at,
        pages.newest_played_at
    from spilled
    left join pages on
        spilled.polled_at > pages.polled_at
        and spilled.oldest_played_at > pages.newest_played_at
),

late as (
    select
        max(case when shown_at < oldest_played_at then shown_at end) as from_at,
        oldest_played_at as to_at
    from shown_times
    group by poll_id, oldest_played_at
),

unproven as (
    select * from doubted
    union all
    select * from late
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
                order by coalesce(unproven.from_at, ends.from_at), unproven.to_at
                rows between unbounded preceding and 1 preceding
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
