"""Bronze in DuckDB: one view for each declared table over the files of a snapshot, whatever columns they have.

Data flow: Snapshot -> view `bronze.<source>__<table>` over an explicit list of files
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pipelines.committed import Loss
from pipelines.duck import literal, quote
from pipelines.lake import Snapshot
from pipelines.lake_reader import open_lake, readable
from pipelines.settings import SOURCES, LakeSettings
from sources.table import LOAD_ID, Table

if TYPE_CHECKING:
    import duckdb

EXPORT_FILES = "spotify_export__files"
LOSSES = Table(
    "losses",
    {
        "path": "VARCHAR",
        "table_name": "VARCHAR",
        "load_id": "VARCHAR",
        "reason": "VARCHAR",
        "lost_rows": "BIGINT",
        "first_at": "TIMESTAMPTZ",
        "last_at": "TIMESTAMPTZ",
        "is_healed": "BOOLEAN",
    },
    ("path",),
)
"""What of the lake is lost or held back; the only table of bronze that no file holds."""


def declared_tables() -> dict[str, Table]:
    """Every bronze table that a source declares, by view name."""
    modules = ((source, import_module(f"sources.{source}.tables")) for source in SOURCES)
    tables = {f"{source}__{table.name}": table for source, module in modules for table in module.TABLES}
    return {**tables, "lake__losses": LOSSES}


@contextmanager
def over_bronze(lake: LakeSettings, snapshot: Snapshot, views: Iterable[str]) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection in memory that sees some bronze tables of a snapshot."""
    import duckdb

    tables = declared_tables()
    with readable(lake), duckdb.connect() as connection:
        open_lake(connection, lake)
        create_bronze(connection, snapshot, {view: tables[view] for view in views})
        yield connection


def create_bronze(connection: "duckdb.DuckDBPyConnection", snapshot: Snapshot, tables: Mapping[str, Table]) -> None:
    """Make one view per declared table over the snapshot's files, with every declared column."""
    connection.execute("create schema if not exists bronze")
    for view, table in tables.items():
        query = _losses(snapshot.absent) if table is LOSSES else _view_query(connection, snapshot.paths(view), table)
        query += _not_imported_again(snapshot, view)
        connection.execute(f"create or replace view bronze.{quote(view)} as {query}")


def _view_query(connection: "duckdb.DuckDBPyConnection", paths: list[str], table: Table) -> str:
    columns = {**table.columns, LOAD_ID: "VARCHAR"}
    if not paths:
        return f"select {_nulls(columns)} where false"
    files = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
    present = {row[0] for row in connection.execute(f"describe select * from {files}").fetchall()}
    missing = {name: kind for name, kind in columns.items() if name not in present}
    return f"select *{', ' + _nulls(missing) if missing else ''} from {files}"


def _losses(losses: Iterable[Loss]) -> str:
    names = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in LOSSES.columns.items())
    rows = [
        (loss.path, loss.table, loss.load_id, loss.reason, loss.rows, loss.first_at, loss.last_at, loss.is_healed)
        for loss in losses
    ]
    values = ", ".join("(" + ", ".join("null" if v is None else literal(str(v)) for v in row) + ")" for row in rows)
    nothing = "(" + ", ".join("null" for _ in LOSSES.columns) + ")"
    return (
        f"select {names} from (values {values or nothing}) as lost ({', '.join(LOSSES.columns)}) where path is not null"
    )


def damaged_exports(snapshot: Snapshot) -> tuple[set[str], list[str]]:
    """Load packages of exports that have lost a file, and paths of the lists of files of all others."""
    damaged = {loss.load_id for loss in snapshot.losses if loss.table.startswith("spotify_export__")}
    return damaged, [file.path for file in snapshot.files.get(EXPORT_FILES, ()) if file.load_id not in damaged]


def _not_imported_again(snapshot: Snapshot, view: str) -> str:
    """Leaves out rows of a package that lost a file, where a later import brought the same export whole."""
    damaged, whole = damaged_exports(snapshot)
    if not (damaged and whole and view.startswith("spotify_export__") and snapshot.paths(view)):
        return ""
    loads = ", ".join(map(literal, sorted(damaged)))
    files = f"select file_id from read_parquet([{', '.join(map(literal, whole))}])"
    return f" where not ({quote(LOAD_ID)} in ({loads}) and file_id in ({files}))"


def _nulls(columns: Mapping[str, str]) -> str:
    return ", ".join(f"cast(null as {kind}) as {quote(name)}" for name, kind in columns.items())
