with

counts as (
    select * from {{ ref('int_import_counts') }}
),

files as (
    select * from {{ ref('stg_spotify_export__files') }}
),

summed as (
    select
        file_id,
        reason,
        {{ gold_sum('row_count') }} as row_count
    from counts
    group by file_id, reason
),

final as (
    select
        files.file,
        summed.reason,
        summed.row_count as rows,
        summed.file_id,
        files.archive,
        files.feed,
        files.imported_at
    from summed
    inner join files on summed.file_id = files.file_id
)

select * from final
