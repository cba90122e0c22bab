with source as (
    select *, {{ load_number('_dlt_load_id') }} as load_number from {{ source('curation', 'rules') }}
),

newest_load as (
    select max(load_number) as load_number from source
),

-- the newest copy of the folder is the whole truth: a rule whose line is gone is gone
renamed as (
    select
        source.file,
        source.line,
        source.kind,
        nullif(trim({{ json_text('fields', '$.id') }}), '') as item_id,
        nullif(trim({{ json_text('fields', '$.name') }}), '') as item_name,
        nullif(trim({{ json_text('fields', '$.new_name') }}), '') as new_name,
        nullif(trim({{ json_text('fields', '$.from_id') }}), '') as from_id,
        nullif(trim({{ json_text('fields', '$.into_id') }}), '') as into_id,
        nullif(trim({{ json_text('fields', '$.track_id') }}), '') as track_id,
        nullif(trim({{ json_text('fields', '$.recording_id') }}), '') as recording_id,
        {{
            instant_from_text("nullif(trim(" ~ json_text('fields', '$.from_at') ~ "), '')", var('timezone'))
        }} as from_at,
        {{ instant_from_text("nullif(trim(" ~ json_text('fields', '$.to_at') ~ "), '')", var('timezone')) }} as to_at
    from source
    inner join newest_load on source.load_number = newest_load.load_number
    where source.is_valid and source.kind <> 'none'
)

select * from renamed
