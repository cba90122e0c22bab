with {{ api_newest_answers('tracks') }},

renamed as (
    select
        id as track_id,
        {{ api_track_columns('payload', '$') }},
        fetched_at
    from newest
)

select * from renamed
