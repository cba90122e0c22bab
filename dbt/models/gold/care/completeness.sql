with

stretches as (
    select * from {{ ref('int_completeness') }}
),

final as (
    select
        from_at,
        to_at,
        state,
        missing_at_least
    from stretches
)

select * from final
