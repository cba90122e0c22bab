{{ config(meta={'at': 'ended_ms'}) }}

-- which play each observation of music belongs to; null where it repeats another observation of its feed
with extended as (
    select
        observation_key,
        case when not is_repeat then observation_key end as play_key,
        is_repeat,
        ended_ms
    from {{ ref('int_extended_plays') }}
),

final as (
    select
        observation_key,
        play_key,
        is_repeat,
        ended_ms
    from extended
    {% for feed in ['account', 'api', 'listenbrainz', 'lastfm'] %}
        union all
        select
            observation_key,
            play_key,
            is_repeat,
            ended_ms
        from {{ ref('int_matches_' ~ feed) }}
    {% endfor %}
)

select * from final
