"""Gold on its way into Postgres: binary COPY into schema `landing`, counted again on the other side.

The tables are made by plain DDL before DuckDB connects, and DuckDB's connection is new for every landing: its catalog
of Postgres goes stale when tables are dropped by somebody else, and `create table as` then stores nothing and says
nothing. Whatever the cause, a landing that does not count the same is never built upon.

A table that has not changed since the published generation does not travel: its landing is a view of that generation.

Data flow: build database -> DuckDB -> binary COPY -> `landing.<table>`
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.duck import literal, load_extension, quote
from pipelines.warehouse import GOLD, TableState
from pipelines.warehouse.gold import GoldTable, attach_build, measure
from sources.problem import Problem

if TYPE_CHECKING:
    import duckdb
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

LANDING, LOADER = "landing", "lakehouse_loader"
KINDS = {
    "VARCHAR": "character varying",  # into columns of type text DuckDB copies at half the speed
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TINYINT": "smallint",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


def kind_in_postgres(kind: str) -> str | None:
    """The Postgres type of a DuckDB type, as `format_type` spells it; None where rows would not arrive as they are."""
    if kind.endswith("[]"):
        item = kind_in_postgres(kind.removesuffix("[]"))
        return f"{item}[]" if item else None
    if kind.startswith("DECIMAL("):
        return kind.replace("DECIMAL", "numeric")
    return KINDS.get(kind)


def measure_build(build: Path, tables: Sequence[GoldTable]) -> dict[str, TableState]:
    """Counts the build's gold tables, their columns in Postgres' types.

    Raises:
        Problem: A column has a type that Postgres would change.
    """
    import duckdb

    with duckdb.connect() as connection:
        attach_build(connection, build)
        built = measure(connection, "build", tables)
    return {name: replace(state, columns=_columns(name, state.columns)) for name, state in built.items()}


def _columns(table: str, columns: Mapping[str, str]) -> dict[str, str]:
    found = {name: kind_in_postgres(kind) for name, kind in columns.items()}
    faults = [f"{table}.{name} is {columns[name]}" for name, kind in found.items() if kind is None]
    if faults:
        raise Problem(
            f"Postgres does not hold every type as it is: {'; '.join(faults)}. Cast to bigint, decimal, varchar or a "
            "list of those in the gold model. Nothing was published."
        )
    return {name: kind for name, kind in found.items() if kind}


def prepare(cursor: "Cursor", built: Mapping[str, TableState], unchanged: Mapping[str, str]) -> None:
    """Makes schema `landing` anew: empty tables for what changed, views for what did not.

    Args:
        cursor: Of the publisher's connection.
        built: State of every table of the build.
        unchanged: Schema of the published generation that holds a table as it is, by table.
    """
    statements = [f"drop schema if exists {LANDING} cascade", f"create schema {LANDING}"]
    for name, state in built.items():
        place = f"{LANDING}.{quote(name)}"
        columns = ", ".join(f"{quote(column)} {kind}" for column, kind in state.columns.items())
        if name in unchanged:
            names = ", ".join(map(quote, state.columns))
            source = f"{quote(unchanged[name])}.{quote(name)}"
            statements.append(f"create view {place} as select {names} from {source}")
        else:
            statements.append(f"create unlogged table {place} ({columns})")
    cursor.execute(";".join(statements))


def loader_of(cursor: "Cursor") -> dict[str, str]:
    """Parameters that make a connection the loader's, who may fill the landing's tables and nothing else.

    Where there is no such role, or the publisher may not become it, the publisher loads itself.
    """
    cursor.execute("select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = %s", (LOADER,))
    if cursor.fetchall() != [(True,)]:
        return {}
    cursor.execute(f"grant usage on schema {LANDING} to {LOADER}")
    cursor.execute(f"grant insert, select on all tables in schema {LANDING} to {LOADER}")
    return {"options": f"-c role={LOADER}"}


def copy(build: Path, connection: Mapping[str, str], tables: Sequence[str]) -> None:
    """Copies tables of the build into `landing`, in one transaction.

    Raises:
        Problem: The copy failed.
    """
    import duckdb

    if not tables:
        return
    try:
        with duckdb.connect() as own:
            attach_build(own, build)
            attach_postgres(own, connection, f"schema {literal(LANDING)}")
            _insert(own, tables)
    except duckdb.Error as error:
        raise Problem(
            f"Gold could not be copied to Postgres: {str(error).splitlines()[0]} Nothing was published. Check that it "
            "runs, and DESTINATION__WAREHOUSE__CREDENTIALS, and run again."
        ) from error


def _insert(own: "duckdb.DuckDBPyConnection", tables: Sequence[str]) -> None:
    import duckdb

    own.execute("begin")
    try:
        for name in tables:
            source = f"build.{GOLD}.{quote(name)}"
            own.execute(f"insert into warehouse.{LANDING}.{quote(name)} by name select * from {source}")
        own.execute("commit")
    except duckdb.Error:
        # closed within a transaction whose server is gone, DuckDB ends the whole process
        with suppress(duckdb.Error):
            own.execute("rollback")
        raise


def attach_postgres(
    own: "duckdb.DuckDBPyConnection", connection: Mapping[str, str], options: str, name: str = "warehouse"
) -> None:
    """Attaches a Postgres database; the password stays out of every catalog and message."""
    load_extension(own, "postgres_scanner")
    names = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "database"}
    secret = ", ".join(f"{names[name]} {literal(value)}" for name, value in connection.items() if name in names)
    others = " ".join(f"{name}={_escaped(value)}" for name, value in connection.items() if name not in names)
    own.execute(f"create or replace temporary secret {name} (type postgres, {secret})")
    own.execute(f"attach {literal(others)} as {name} (type postgres, secret {name}, {options})")


def _escaped(value: str) -> str:
    return "'" + value.replace("\\", r"\\").replace("'", r"\'") + "'"


def measure_schema(
    cursor: "Cursor", schema: str, tables: Sequence[GoldTable], built: Mapping[str, TableState]
) -> dict[str, TableState]:
    """Counts the same tables in a schema of Postgres."""
    found = {}
    for table in tables:
        keys = checksum(table.key, built[table.name].columns)
        cursor.execute(f"select count(*), coalesce({keys}, 0) from {quote(schema)}.{quote(table.name)}")
        ((rows, keysum),) = cursor.fetchall()
        found[table.name] = replace(built[table.name], rows=int(rows), key_checksum=int(keysum))
    return found


def checksum(key: Sequence[str], columns: Mapping[str, str]) -> str:
    """The key checksum of a table as a Postgres expression; `gold.checksum` is its twin."""
    parts = [
        f"(extract(epoch from {quote(name)}) * 1000000)::bigint"
        if columns[name].startswith("timestamp")
        else f"{quote(name)}::text"
        for name in key
    ]
    joined = f"convert_to(concat_ws(chr(31), {', '.join(parts)}), 'UTF8')"
    return f"sum(('x' || substr(md5({joined}), 1, 15))::bit(60)::bigint)"
