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

told as (
    select
        file_id,
        row_number,
        ended_at
    from {{ ref('stg_spotify_export__streams') }}
    union all
    select
        file_id,
        row_number,
        ended_at
    from {{ ref('stg_spotify_export__account_streams') }}
),

rejects as (
    select * from {{ ref('stg_spotify_export__rejects') }}
),

broken as (
    select
        file_id,
        count(*) as rejects
    from rejects
    group by file_id
),

whole as (
    select
        file_id,
        0 as piece,
        0 as last_piece,
        min(ended_at) as from_at,
        max(ended_at) as to_at
    from told
    where file_id not in (select broken.file_id from broken)
    group by file_id
),

-- a row that was rejected is a play of some time between its neighbours: there the file is cut into pieces
placed as (
    select
        file_id,
        ended_at,
        sum(case when ended_at is null then 1 else 0 end) over (
            partition by file_id order by row_number, ended_at nulls first
            rows between unbounded preceding and current row
        ) as piece
    from (
        select * from told
        where file_id in (select broken.file_id from broken)
        union all
        select
            file_id,
            row_number,
            cast(null as {{ instant_type() }}) as ended_at
        from rejects
    ) as rows_of_broken
),

pieces as (
    select * from whole
    union all
    select
        placed.file_id,
        placed.piece,
        broken.rejects as last_piece,
        min(placed.ended_at) as from_at,
        max(placed.ended_at) as to_at
    from placed
    inner join broken on placed.file_id = broken.file_id
    where placed.ended_at is not null
    group by placed.file_id, placed.piece, broken.rejects
),

parts as (
    select
        files.archive,
        files.feed,
        files._dlt_load_id as load_id,
        files.file_id,
        pieces.piece,
        pieces.from_at,
        pieces.to_at,
        regexp_replace(files.file, '[^/]*$', '') as folder,
        -- Streaming_History_Audio_2012-2014_0.json, endsong_0.json, StreamingHistory0.json; a year is no number
        try_cast(regexp_extract(files.file, '[^0-9]([0-9]{1,3})[.]json$', 1) as bigint) as file_number,
        pieces.piece = 0 as is_first,
        pieces.piece = pieces.last_piece as is_last
    from files
    inner join pieces on files.file_id = pieces.file_id
),

ordered as (
    select
        *,
        lag(case when is_last then file_number end) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id, piece
        ) as earlier_number,
        max(to_at) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id, piece
            rows between unbounded preceding and 1 preceding
        ) as earlier_to_at
    from parts
),

-- archives of different exports may bear one name: only files that overlap, or that the export itself numbers one after
-- the other, have no hole between them
numbered as (
    select
        *,
        sum(
            case when from_at <= earlier_to_at or (is_first and file_number = earlier_number + 1) then 0 else 1 end
        ) over (
            partition by load_id, archive, folder, feed order by from_at, to_at, file_id, piece
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
