{{ config(materialized='table', meta={'keeps_before': true}) }}

with tracks as (
    select * from {{ ref('int_tracks') }}
),


track_names as (
    select * from {{ ref('int_track_names') }}
),

rules as (
    select
        track_id,
        min(recording_id) as recording_id
    from {{ ref('stg_curation__rules') }}
    where file = 'recordings.csv'
    group by track_id
),

own_names as (
    {{ latest_per_key('track_names', 'track_id', 'preference, name_key') }}
),

named as (
    select
        tracks.track_id,
        nullif(tracks.isrc, '') as isrc,
        tracks.duration_ms,
        own_names.name_key
    from tracks
    left join own_names on tracks.track_id = own_names.track_id
),

-- versions of one name whose lengths follow each other by two seconds at most; without a length, all of one name
breaks as (
    select
        *,
        case
            when duration_ms - lag(duration_ms) over (partition by name_key order by duration_ms, track_id) <= 2000
                then 0
            else 1
        end as is_break
    from named
    where name_key is not null and duration_ms is not null
),

groups as (
    select
        track_id,
        name_key || '|' || cast(
            sum(is_break) over (
                partition by name_key order by duration_ms, track_id rows unbounded preceding
            ) as {{ text_type() }}
        ) as group_key
    from breaks
),

-- an ISRC is one recording; a track without one joins the only ISRC of its group
group_ids as (
    select
        groups.group_key,
        case
            when count(distinct named.isrc) = 1 then 'isrc:' || min(named.isrc)
            else 'track:' || min(groups.track_id)
        end as recording_id
    from groups
    inner join named on groups.track_id = named.track_id
    group by groups.group_key
),

final as (
    select
        named.track_id,
        coalesce(
            rules.recording_id,
            'isrc:' || named.isrc,
            group_ids.recording_id,
            'track:' || named.track_id
        ) as recording_id
    from named
    left join rules on named.track_id = rules.track_id
    left join groups on named.track_id = groups.track_id
    left join group_ids on groups.group_key = group_ids.group_key
)

select * from final
