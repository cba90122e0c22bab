"""Descriptions where a BI tool shows them: comments of the stable views, copied from the generation that they show.

Data flow: comments of `gold_<run>` -> comments of `gold.*`, where they differ
"""

from typing import TYPE_CHECKING

from pipelines.warehouse import GOLD

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

DIFFERENT = """
with pairs as (
    select shown.oid as view, made.oid as source, shown.oid::regclass as name
    from pg_class as shown
    join pg_class as made on made.relname = shown.relname
    where shown.relnamespace = %s::regnamespace and made.relnamespace = %s::regnamespace and shown.relkind = 'v'
        and made.relkind = 'r'
)
select format('comment on view %%s is %%L', name, obj_description(source, 'pg_class'))
from pairs
where obj_description(source, 'pg_class') is distinct from obj_description(view, 'pg_class')
union all
select format('comment on column %%s.%%I is %%L', name, there.attname, col_description(source, there.attnum))
from pairs
join pg_attribute as here on here.attrelid = view and here.attnum > 0 and not here.attisdropped
join pg_attribute as there on there.attrelid = source and there.attname = here.attname
where col_description(source, there.attnum) is distinct from col_description(view, here.attnum)
"""


def copy(connection: "Connection", schema: str) -> None:
    """Copies the comments of a generation's tables and columns to the views."""
    with connection, connection.cursor() as cursor:
        cursor.execute(DIFFERENT, (GOLD, schema))
        statements = [row[0] for row in cursor.fetchall()]
        if statements:
            cursor.execute(";".join(statements))
