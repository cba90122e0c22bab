"""Gold on its way into Postgres: binary COPY into schema `landing`, counted again on the other side.

The tables are made by plain DDL before DuckDB connects, and DuckDB's connection is new for every landing: its catalog
of Postgres goes stale when tables are dropped by somebody else, and `create table as` then stores nothing and says
nothing. Whatever the cause, a landing that does not count the same is never built upon.

A table that has not changed since the published generation does not travel: its landing is a view of that generation.
Of one that keeps its past only the months travel that changed, and the view takes the others from where they are.

Data flow: build database -> DuckDB -> binary COPY -> `landing.<table>`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.duck import literal, load_extension, quote
from pipelines.warehouse import GOLD, TableState, months
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


@dataclass(frozen=True)
class Route:
    """How a table comes into the landing.

    Attributes:
        kept: Schema of the published generation that holds it, or all of it but some months; None: it travels whole.
        months: The months that travel.
        where: The condition that a row is of these months.
    """

    kept: str | None = None
    months: tuple[str, ...] = ()
    where: str = "true"

    @property
    def travels(self) -> bool:
        """Whether anything of the table has to be copied."""
        return self.kept is None or bool(self.months)


WHOLE = Route()


def route(table: GoldTable, built: TableState, before: TableState | None, kept: str) -> Route:
    """The shortest way of a table into the landing, by what the published generation holds of it.

    Args:
        table: The table.
        built: What the build holds.
        before: What the published generation holds; None where it lacks the table.
        kept: Schema of the published generation.
    """
    if before == built:
        return Route(kept)
    found = months.to_bring(built, before) if table.at else None
    if found is None or table.at is None:
        return WHOLE
    return Route(kept, found, months.within(table.at, built.columns[table.at], found))


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


def prepare(cursor: "Cursor", built: Mapping[str, TableState], routes: Mapping[str, Route]) -> None:
    """Makes schema `landing` anew: empty tables for what travels, views for what stays.

    Args:
        cursor: Of the publisher's connection.
        built: State of every table of the build.
        routes: How each table comes here.
    """
    statements = [f"drop schema if exists {LANDING} cascade", f"create schema {LANDING}"]
    for name, state in built.items():
        way = routes[name]
        if way.travels:
            columns = ", ".join(f"{quote(column)} {kind}" for column, kind in state.columns.items())
            statements.append(f"create unlogged table {_arrival(name, way)} ({columns})")
        if way.kept:
            statements.append(f"create view {LANDING}.{quote(name)} as {_seen(name, state, way)}")
    cursor.execute(";".join(statements))


def _arrival(name: str, way: Route) -> str:
    """The table that a copy fills."""
    return f"{LANDING}.{quote(f'{name}__came' if way.kept else name)}"


def _seen(name: str, state: TableState, way: Route) -> str:
    """What the published generation holds, with the months that came in the place of its own."""
    names = ", ".join(map(quote, state.columns))
    kept = f"select {names} from {quote(way.kept or '')}.{quote(name)}"
    if not way.months:
        return kept
    return f"{kept} where ({way.where}) is not true union all select {names} from {_arrival(name, way)}"


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


def copy(build: Path, connection: Mapping[str, str], routes: Mapping[str, Route]) -> int:
    """Copies what travels of the build into `landing`; where that fails, some may be there already, and nobody sees it.

    Returns:
        The number of rows.

    Raises:
        Problem: The copy failed.
    """
    import duckdb

    travelling = {name: way for name, way in routes.items() if way.travels}
    if not travelling:
        return 0
    try:
        with duckdb.connect() as own:
            attach_build(own, build)
            attach_postgres(own, connection, f"schema {literal(LANDING)}")
            # each by itself: closed within a transaction whose server is gone, DuckDB ends the whole process
            return sum(_insert(own, name, way) for name, way in travelling.items())
    except duckdb.Error as error:
        raise Problem(
            f"Gold could not be copied to Postgres: {str(error).splitlines()[0]} Nothing was published. Check that it "
            "runs, and DESTINATION__WAREHOUSE__CREDENTIALS, and run again."
        ) from error


def _insert(own: "duckdb.DuckDBPyConnection", name: str, way: Route) -> int:
    source = f"select * from build.{GOLD}.{quote(name)} where {way.where}"
    ((copied,),) = own.execute(f"insert into warehouse.{_arrival(name, way)} by name {source}").fetchall()
    return int(copied)


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
