-- plays of one export are complete between its first row and its last; scrobbles promise no such thing
with losses as (
    select load_id from {{ source('lake', 'losses') }}
    where table_name like 'spotify_export%' and not is_healed
),

-- an import that lost rows covers nothing: nobody knows any more where its holes are
files as (
    select * from {{ ref('stg_spotify_export__files') }}
    where feed in ('extended', 'account') and _dlt_load_id not in (select losses.load_id from losses)
),

ends as (
    select
        file_id,
        min(ended_at) as from_at,
        max(ended_at) as to_at
    from {{ ref('stg_spotify_export__streams') }}
    group by file_id
    union all
    select
        file_id,
        min(ended_at),
        max(ended_at)
    from {{ ref('stg_spotify_export__account_streams') }}
    group by file_id
),

-- the files of one archive follow each other without a hole
spans as (
    select
        files.archive,
        files.feed,
        files._dlt_load_id as load_id,
        min(ends.from_at) as from_at,
        max(ends.to_at) as to_at
    from files
    inner join ends on files.file_id = ends.file_id
    group by files.archive, files.feed, files._dlt_load_id
)

select * from spans
