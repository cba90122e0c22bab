"""The dlt resources of the catalog: one `sql_table` a table, read by the key-window loader.

Data flow: Task -> DltResource
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import dlt
from dlt.sources.sql_database import register_table_loader_backend, remove_nullability_adapter, sql_table

from sources.catalog.choice import Default, TableSettings, choose
from sources.catalog.database import explained
from sources.catalog.held import committed_pages
from sources.catalog.loader import BACKEND, KeyWindowLoader, Task
from sources.catalog.plan import asked_now
from sources.catalog.tables import CATALOG

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa
    from dlt.extract import DltResource


def make_resource(engine: "sa.Engine", task: Task) -> "DltResource":
    """The resource of a table; its columns' types come with its pages."""
    import sqlalchemy as sa

    register_table_loader_backend(BACKEND, KeyWindowLoader)
    resource = sql_table(
        credentials=engine,
        table=task.choice.table,
        metadata=sa.MetaData(),
        backend=BACKEND,  # type: ignore[arg-type]
        reflection_level="minimal",
        table_adapter_callback=remove_nullability_adapter,
        backend_kwargs={"task": task},
    )
    return resource.apply_hints(primary_key=[], columns={})


def own_tasks(engine: "sa.Engine", tables: Mapping[str, TableSettings]) -> dict[str, Task]:
    """Tasks that decide what to read when they are run, by the state of the running pipeline."""
    import sqlalchemy as sa

    def bronze(table: str, columns: tuple[str, ...]) -> Iterable["pa.Table"]:
        return committed_pages(dlt.current.pipeline())(table, columns)

    with explained(engine, "Reading the catalog"), engine.connect() as connection:
        inspector = sa.inspect(connection)
        choices = [choose(inspector, table.name, tables.get(table.name, Default())) for table in CATALOG]
    return {choice.table: Task(choice, asked_now(), bronze) for choice in choices}
