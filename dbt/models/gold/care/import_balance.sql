with

observations as (
    select * from {{ ref('play_observations') }}
    where file_id is not null
),

plays as (
    select * from {{ ref('fct_plays') }}
),

files as (
    select * from {{ ref('stg_spotify_export__files') }}
),

-- whether a stream was long enough is the fact table's to say
reasoned as (
    select
        observations.file_id,
        case
            when observations.reason in ('play', 'short') and plays.is_counted then 'play'
            when observations.reason in ('play', 'short') and not plays.is_counted then 'short'
            else observations.reason
        end as reason
    from observations
    left join plays on observations.play_id = plays.play_id
),

counted as (
    select
        file_id,
        reason,
        count(*) as row_count
    from reasoned
    group by file_id, reason
),

final as (
    select
        files.file,
        counted.reason,
        counted.row_count as rows,
        counted.file_id,
        files.archive,
        files.feed,
        files.imported_at
    from counted
    inner join files on counted.file_id = files.file_id
)

select * from final
