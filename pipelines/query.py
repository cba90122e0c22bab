"""`run.py sql`: one read-only statement over everything that an analyst may see.

`bronze` and `silver` are the snapshot of the last build; `gold` and `ops` are what the warehouse publishes.

Data flow: snapshot file + warehouse -> one DuckDB connection in memory -> table, csv or json on stdout
"""

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from pipelines import duck
from pipelines.settings import Settings
from pipelines.snapshot_file import snapshot_file
from pipelines.warehouse import open_warehouse
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb


def sql(settings: Settings, options: argparse.Namespace) -> int:
    """Answer one statement on stdout.

    Raises:
        UsageProblem: Nothing is built yet.
        Problem: The statement fails, or is more than one select.
    """
    import duckdb

    with analyst(settings) as connection:
        try:
            _only_reads(connection, options.query)
            FORMATS[options.format](connection, options.query, sys.stdout)
        except duckdb.Error as error:
            raise Problem(f"The query failed: {error}") from error
    return 0


@contextmanager
def analyst(settings: Settings) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection with `bronze`, `silver`, `gold` and `ops`, times in UTC.

    Raises:
        UsageProblem: Nothing is built yet.
    """
    import duckdb

    with duckdb.connect() as connection:
        prepare(settings, connection)
        with open_warehouse(settings).watched():
            yield connection


def prepare(settings: Settings, connection: "duckdb.DuckDBPyConnection") -> None:
    """Attach the snapshot and the warehouse to a connection, times in UTC.

    Raises:
        UsageProblem: Nothing is built yet.
    """
    snapshot = snapshot_file(settings)
    if not duck.is_database(snapshot):
        why = f"{snapshot} is no database any more" if snapshot.exists() else "Nothing is built yet"
        raise UsageProblem(f"{why}: run `python pipelines/run.py` first.")
    connection.execute("set timezone = 'UTC'")
    duck.open_lake(connection, settings.lake)
    connection.execute(f"attach {duck.literal(str(snapshot))} as lakehouse (read_only)")
    schemas = open_warehouse(settings).attach(connection)
    path = ["lakehouse.bronze", "lakehouse.silver", *schemas]
    connection.execute(f"set search_path = {duck.literal(','.join(path))}")


def _only_reads(connection: "duckdb.DuckDBPyConnection", query: str) -> None:
    from duckdb import StatementType

    statements = connection.extract_statements(query)
    allowed = (StatementType.SELECT, StatementType.EXPLAIN, StatementType.RELATION)
    if len(statements) != 1 or statements[0].type not in allowed:
        raise Problem("sql answers exactly one select; open a shell with `make sql` for anything else.")


def _table(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    answer = connection.sql(query)
    if answer is not None:
        to.flush()
        answer.show(max_rows=1000, max_width=max(shutil.get_terminal_size((160, 40)).columns, 80))


def _csv(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    writer = csv.writer(to, lineterminator="\n")
    cursor = connection.execute(query)
    writer.writerow([column[0] for column in cursor.description])
    for rows in _batches(cursor):
        writer.writerows([[_text(value) for value in row] for row in rows])


def _json(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for rows in _batches(cursor) for row in rows]
    json.dump(rows, to, ensure_ascii=False, default=_plain, indent=1)
    to.write("\n")


def _batches(cursor: "duckdb.DuckDBPyConnection") -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(10_000):
        yield rows


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=_plain) if isinstance(value, list | dict) else _plain(value)


def _plain(value: Any) -> Any:
    from datetime import date, time
    from decimal import Decimal

    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


FORMATS = {"table": _table, "csv": _csv, "json": _json}
