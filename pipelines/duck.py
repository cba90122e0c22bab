"""DuckDB connections: extensions from wheels, the lake's secret, and views over a snapshot's files.

Nothing is downloaded: extensions are loaded by path from the installed wheels.

Data flow: Snapshot -> view `bronze.<source>__<table>` over an explicit list of files
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.lake import SOURCES, Snapshot
from pipelines.settings import LakeSettings
from sources.problem import Problem
from sources.table import LOAD_ID, Table

if TYPE_CHECKING:
    import duckdb


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


def open_lake(connection: "duckdb.DuckDBPyConnection", lake: LakeSettings) -> None:
    """Let a connection read the lake: nothing to do for a folder, a secret for a bucket."""
    if lake.is_local:
        return
    load_extension(connection, "httpfs")
    options = {
        "type": "s3",
        "scope": lake.bucket_url,
        "region": lake.region_name or "us-east-1",
        **_keys(lake),
        **_endpoint(lake.endpoint_url),
    }
    body = ", ".join(f"{name} {literal(value)}" for name, value in options.items() if value)
    connection.execute(f"create or replace temporary secret lake ({body})")


def _keys(lake: LakeSettings) -> dict[str, str | None]:
    if lake.aws_access_key_id:
        return {"key_id": lake.aws_access_key_id, "secret": lake.aws_secret_access_key}
    from botocore.session import get_session

    credentials = get_session().get_credentials()
    if credentials is None:
        raise Problem("The lake's bucket has no credentials: set DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID.")
    frozen = credentials.get_frozen_credentials()
    return {"key_id": frozen.access_key, "secret": frozen.secret_key, "session_token": frozen.token}


def _endpoint(url: str | None) -> dict[str, str]:
    if not url:
        return {}
    scheme, _, host = url.rpartition("://")
    return {"endpoint": host.rstrip("/"), "use_ssl": str(scheme != "http").lower(), "url_style": "path"}


def declared_tables() -> dict[str, Table]:
    """Every bronze table that a source declares, by view name."""
    modules = ((source, import_module(f"sources.{source}.tables")) for source in SOURCES)
    return {f"{source}__{table.name}": table for source, module in modules for table in module.TABLES}


def create_bronze(connection: "duckdb.DuckDBPyConnection", snapshot: Snapshot, tables: Mapping[str, Table]) -> None:
    """Make one view per declared table over the snapshot's files, with every declared column."""
    connection.execute("create schema if not exists bronze")
    for view, table in tables.items():
        query = _view_query(connection, snapshot.paths(view), table)
        connection.execute(f"create or replace view bronze.{quote(view)} as {query}")


def _view_query(connection: "duckdb.DuckDBPyConnection", paths: list[str], table: Table) -> str:
    columns = {**table.columns, LOAD_ID: "VARCHAR"}
    if not paths:
        return f"select {_nulls(columns)} where false"
    files = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
    present = {row[0] for row in connection.execute(f"describe select * from {files}").fetchall()}
    missing = {name: kind for name, kind in columns.items() if name not in present}
    return f"select *{', ' + _nulls(missing) if missing else ''} from {files}"


def _nulls(columns: Mapping[str, str]) -> str:
    return ", ".join(f"cast(null as {kind}) as {quote(name)}" for name, kind in columns.items())


def table_names(connection: "duckdb.DuckDBPyConnection", schema: str) -> list[str]:
    """Names of the base tables of a schema, sorted."""
    rows: Iterable[tuple[str]] = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ? order by 1", [schema]
    ).fetchall()
    return [name for (name,) in rows]
