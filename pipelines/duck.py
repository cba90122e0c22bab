"""DuckDB connections: extensions from wheels, the lake's secret, and views over a snapshot's files.

Nothing is downloaded: extensions are loaded by path from the installed wheels.

Data flow: Snapshot -> view `bronze.<source>__<table>` over an explicit list of files
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.lake import Loss, Snapshot
from pipelines.settings import SOURCES, LakeSettings
from sources.problem import Problem
from sources.table import LOAD_ID, Table

if TYPE_CHECKING:
    import duckdb


PATIENCE = {"http_timeout": 60, "http_retries": 2, "http_retry_wait_ms": 500}
"""How many seconds one request may take as a whole, a row group over a slow line, and how it is repeated."""
IMPATIENCE = {"http_timeout": 1, "http_retries": 0}
"""Once a bucket has kept silent for as long as that."""
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


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def load_extension(connection: "duckdb.DuckDBPyConnection", name: str) -> None:
    """Load an extension from its wheel.

    Raises:
        Problem: The wheel is not installed.
    """
    import duckdb

    package = f"duckdb_extension_{name}"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise Problem(f"DuckDB's extension {name} is not installed: pip install {wheel}=={duckdb.__version__}")
    file = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    connection.execute(f"load {literal(str(Path(spec.submodule_search_locations[0]) / file))}")


def is_database(path: Path) -> bool:
    """Whether a file begins as DuckDB's do; one that was cut off, or is another file altogether, does not."""
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except FileNotFoundError:
        return False


def open_lake(connection: "duckdb.DuckDBPyConnection", lake: LakeSettings) -> None:
    """Let a connection read the lake: nothing to do for a folder, a secret for a bucket."""
    if lake.is_local:
        return
    load_extension(connection, "httpfs")
    wait_at_most(connection, PATIENCE)
    options = {
        "type": "s3",
        "scope": lake.bucket_url,
        "region": lake.region_name or "us-east-1",
        **_keys(lake),
        **_endpoint(lake),
    }
    body = ", ".join(f"{name} {literal(value)}" for name, value in options.items() if value)
    connection.execute(f"create or replace temporary secret lake ({body})")


def wait_at_most(connection: "duckdb.DuckDBPyConnection", bounds: Mapping[str, int]) -> None:
    """Bound the waiting for a bucket: by `set` alone, a cursor of the connection would wait as it always does."""
    for name, number in bounds.items():
        connection.execute(f"set global {name} = {number}")


class Unreadable(Problem):
    """A file of the lake is missing or spoiled: `integrity.examine` finds out which."""


@contextmanager
def readable(lake: LakeSettings) -> Iterator[None]:
    """Turn what DuckDB says of files that it cannot read into a Problem.

    Raises:
        Unreadable: A file is not there, or holds something else.
        Problem: The lake does not answer.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if is_of_a_file(error):
            raise unreadable(lake, error) from error
        raise


def is_of_a_file(error: Exception) -> bool:
    """Whether DuckDB complains of a file, not of the question: a header of parquet that it cannot parse has no kind."""
    import duckdb

    kinds = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
    return isinstance(error, kinds) or type(error) is duckdb.Error


def is_unanswered(error: Exception) -> bool:
    """Whether DuckDB complains of the way to a bucket, and not of what is in a file."""
    import duckdb

    return isinstance(error, duckdb.HTTPException) or " HTTP " in str(error)


def unreadable(lake: LakeSettings, error: Exception) -> Problem:
    """What DuckDB said of the lake's files, in one paragraph."""
    said = str(error).splitlines()[0].rstrip(".")
    kind = Problem if is_unanswered(error) else Unreadable
    return kind(
        f"The lake {lake.bucket_url} cannot be read: {said}. Check DESTINATION__LAKE__BUCKET_URL and the server; "
        "doctor looks at both."
    )


def _keys(lake: LakeSettings) -> dict[str, str | None]:
    if lake.aws_access_key_id:
        return {"key_id": lake.aws_access_key_id, "secret": lake.aws_secret_access_key}
    from botocore.session import get_session

    credentials = get_session().get_credentials()
    if credentials is None:
        raise Problem("The lake's bucket has no credentials: set DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID.")
    frozen = credentials.get_frozen_credentials()
    return {"key_id": frozen.access_key, "secret": frozen.secret_key, "session_token": frozen.token}


def _endpoint(lake: LakeSettings) -> dict[str, str]:
    style = {"url_style": lake.s3_url_style} if lake.s3_url_style else {}
    if not lake.endpoint_url:
        return style
    scheme, _, host = lake.endpoint_url.rpartition("://")
    return {"endpoint": host.rstrip("/"), "use_ssl": str(scheme != "http").lower(), "url_style": "path", **style}


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


def table_names(connection: "duckdb.DuckDBPyConnection", schema: str) -> list[str]:
    """Names of the base tables of a schema, sorted."""
    rows: Iterable[tuple[str]] = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? order by 1", [schema]
    ).fetchall()
    return [name for (name,) in rows]
