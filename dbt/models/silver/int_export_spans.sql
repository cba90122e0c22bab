-- the music of a file is complete between its first row and its last; scrobbles promise no such thing
with losses as (
    select load_id from {{ source('lake', 'losses') }}
    where table_name like 'spotify_export%' and not is_healed
),

-- an import that lost rows covers nothing: nobody knows any more where its holes are; videos and podcasts in files of
-- their own say nothing about music
files as (
    select * from {{ ref('stg_spotify_export__files') }}
    where
        feed in ('extended', 'account')
        and kind = 'audio'
        and _dlt_load_id not in (select losses.load_id from losses)
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

parts as (
    select
        files.archive,
        files.feed,
        files._dlt_load_id as load_id,
        files.file_id,
        ends.from_at,
        ends.to_at,
        regexp_replace(files.file, '[^/]*$', '') as folder,
        -- Streaming_History_Audio_2012-2014_0.json, endsong_0.json, StreamingHistory0.json; a year is no number
        try_cast(regexp_extract(files.file, '[^0-9]([0-9]{1,3})[.]json$', 1) as bigint) as file_number
    from files
    inner join ends on files.file_id = ends.file_id
),

ordered as (
    select
        *,
        lag(file_number) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id
        ) as earlier_number,
        max(to_at) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_to_at
    from parts
),

-- archives of different exports may bear one name: only files that overlap, or that the export itself numbers one after
-- the other, have no hole between them
numbered as (
    select
        *,
        sum(case when from_at <= earlier_to_at or file_number = earlier_number + 1 then 0 else 1 end) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id
            rows between unbounded preceding and current row
        ) as span_number
    from ordered
),

spans as (
    select
        archive,
        feed,
        load_id,
        min(from_at) as from_at,
        max(to_at) as to_at
    from numbered
    group by archive, folder, feed, load_id, span_number
)

select * from spans
