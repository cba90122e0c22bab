with {{ api_newest_answers('audio_features') }},

renamed as (
    select
        id as track_id,
        {{ length_ms(json_text('payload', '$.duration_ms')) }} as duration_ms,
        {{ whole_number(json_text('payload', '$.key')) }} as key,
        {{ whole_number(json_text('payload', '$.mode')) }} as mode,
        {{ whole_number(json_text('payload', '$.time_signature')) }} as time_signature,
        {% for feature in audio_features() -%}
            try_cast({{ json_text('payload', '$.' ~ feature) }} as double) as {{ feature }},
        {% endfor -%}
        fetched_at
    from newest
)

select * from renamed
