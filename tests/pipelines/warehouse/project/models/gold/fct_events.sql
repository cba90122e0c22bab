select
    'event-' || i as event_id,
    'thing-' || (i % 10) as thing_id,
    case when i % 2 = 0 then 'it''s' else 'that' end as kind,
    timestamptz '2026-01-01 00:00:00+00' + to_minutes(i) as happened_at,
    i / 7 as amount
from range(100) as numbers(i)
{% if var('duplicate') %}
union all
select 'event-7', 'thing-7', 'that', timestamptz '2026-01-01 00:00:00+00', 0.5
{% endif %}
