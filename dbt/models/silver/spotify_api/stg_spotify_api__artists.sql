with {{ api_newest_answers('artists') }},

renamed as (
    select
        id as artist_id,
        {{ json_text('payload', '$.name') }} as artist_name,
        {{ json_texts('payload', '$.genres', '') }} as genres,
        {{ whole_number(json_text('payload', '$.popularity')) }} as popularity,
        {{ whole_number(json_text('payload', '$.followers.total')) }} as followers,
        fetched_at
    from newest
)

select * from renamed
