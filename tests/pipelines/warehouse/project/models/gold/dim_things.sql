select 'thing-' || i as thing_id, cast(i as bigint) as key, [cast(i as varchar), 'é "x"'] as tags
from range({{ 9 if var('orphan') else 10 }}) as numbers(i)
