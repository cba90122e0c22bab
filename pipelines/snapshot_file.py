"""The file that analysts open: bronze and silver of the last build, while the build database stays private.

Made whole beside the old one and renamed into place; who has the old one open keeps it.

Data flow: build database -> <data folder>/snapshot/lakehouse.duckdb
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import duck
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb


def snapshot_file(settings: Settings) -> Path:
    """The analysts' file: `bronze` and `silver` of the last build."""
    return settings.data_dir / "snapshot" / "lakehouse.duckdb"


def write_snapshot(settings: Settings, database: Path) -> None:
    """Write it from a build database."""
    import duckdb

    final = snapshot_file(settings)
    beside = final.parent / "next" / final.name  # the same name, so that view texts stay valid
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    with duckdb.connect(str(beside)) as connection:
        duck.open_lake(connection, settings.lake)
        connection.execute(f"attach {duck.literal(str(database))} as built (read_only)")
        _copy_tables(connection)
        _copy_views(connection)
        connection.execute("detach built")
        connection.execute("checkpoint")  # closing would do it too, and keep silent where the disk is full
    beside.replace(final)


def _copy_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'silver'"
    ).fetchall()
    connection.execute("create schema bronze")
    connection.execute("create schema silver")
    for (name,) in tables:
        connection.execute(f"create table silver.{duck.quote(name)} as from built.silver.{duck.quote(name)}")


def _copy_views(connection: "duckdb.DuckDBPyConnection") -> None:
    pending = connection.execute(
        "select sql from duckdb_views() where database_name = 'built' and schema_name in ('bronze', 'silver')"
    ).fetchall()
    while pending:  # a view needs the views below it; the catalog does not keep their order
        left = [row for row in pending if not _created(connection, row[0])]
        if len(left) == len(pending):
            connection.execute(left[0][0])
        pending = left


def _created(connection: "duckdb.DuckDBPyConnection", statement: str) -> bool:
    import duckdb

    try:
        connection.execute(statement)
    except duckdb.CatalogException:
        return False
    return True
