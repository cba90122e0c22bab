"""`run.py sql`: one read-only statement over everything that an analyst may see.

`bronze` and `silver` are the snapshot of the last build; `gold` and `ops` are what the warehouse publishes.

Data flow: snapshot file + warehouse -> one DuckDB connection in memory -> table, csv or json on stdout
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines import duck, lake_reader
from pipelines.answer import FORMATS
from pipelines.settings import Settings
from pipelines.snapshot_file import snapshot_file
from pipelines.warehouse import open_warehouse
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb

EXPLAIN = re.compile(r"\s*explain(\s+analyze\b|\s*\(\s*(analyze|format)\b[\w\s,]*\))?(?=[\s(])", re.IGNORECASE)
"""What may come before the select; no room for a comment, which could hide where the statement begins."""
ACTING = {
    *("enable_logging", "disable_logging", "truncate_duckdb_logs", "enable_profiling", "disable_profiling"),
    *("checkpoint", "force_checkpoint", "postgres_execute", "postgres_attach", "postgres_configure_pool"),
    *("query", "json_execute_serialized_sql"),
}
"""Functions that do more than read (a log to a file, a statement of Postgres), or hide a select in a text."""


def sql(settings: Settings, options: argparse.Namespace) -> int:
    """Answer one statement on stdout.

    Raises:
        UsageProblem: Nothing is built yet.
        Problem: The statement fails, is more than one select, or would do more than read.
    """
    import duckdb

    with analyst(settings) as connection:
        try:
            FORMATS[options.format](connection, _reading(connection, options.query), sys.stdout)
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
    lake_reader.open_lake(connection, settings.lake)
    connection.execute(f"attach {duck.literal(str(snapshot))} as lakehouse (read_only)")
    schemas = open_warehouse(settings).attach(connection)
    path = ["lakehouse.bronze", "lakehouse.silver", *schemas]
    connection.execute(f"set search_path = {duck.literal(','.join(path))}")


def _reading(connection: "duckdb.DuckDBPyConnection", query: str) -> str:
    """The one statement, when all that it can do is to read.

    Two bars: its kind, and the functions that its tree names. `enable_external_access` is none: COPY may then still
    write where bronze is read from, and a function that would write elsewhere ends the whole process.

    Raises:
        Problem: It is no select, or calls a function that acts.
    """
    from duckdb import StatementType

    statements = connection.extract_statements(query)
    before = EXPLAIN.match(query)
    asked = connection.extract_statements(query[before.end() :]) if before else statements
    if len(statements) != 1 or len(asked) != 1 or asked[0].type not in (StatementType.SELECT, StatementType.RELATION):
        raise Problem("sql answers exactly one select; open a shell with `make sql` for anything else.")
    if acting := ACTING & _functions(connection, asked[0].query):
        raise Problem(
            f"sql only reads, and {', '.join(sorted(acting))} may do more; open a shell with `make sql` for that."
        )
    return statements[0].query


def _functions(connection: "duckdb.DuckDBPyConnection", query: str) -> set[str]:
    """Names of the functions that a select calls; DuckDB makes a tree of nothing but selects."""
    ((text,),) = connection.execute("select json_serialize_sql(?)", [query]).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise Problem(f"The query failed: {tree.get('error_message')}")
    return set(_named(tree))


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and (name := node.get("function_name")):
        yield str(name).lower()
    parts: Iterable[Any] = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for part in parts:
        yield from _named(part)
