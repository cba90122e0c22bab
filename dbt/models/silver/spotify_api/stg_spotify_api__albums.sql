with {{ api_newest_answers('albums') }},

renamed as (
    select
        id as album_id,
        {{ json_text('payload', '$.name') }} as album_name,
        {{ json_text('payload', '$.album_type') }} as album_type,
        {{ json_text('payload', '$.release_date') }} as release_date,
        {{ json_text('payload', '$.release_date_precision') }} as release_precision,
        {{ whole_number(json_text('payload', '$.total_tracks')) }} as total_tracks,
        {{ json_texts('payload', '$.artists', 'id') }} as artist_ids,
        {{ json_texts('payload', '$.artists', 'name') }} as artist_names,
        fetched_at
    from newest
)

select * from renamed
