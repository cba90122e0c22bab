"""A publish that is killed by SIGKILL right after its n-th statement, whoever runs it: psycopg2 or DuckDB.

Run it: `python -m tests.pipelines.warehouse.killed URL BUILD RUN_ID N`; without a kill it prints how many statements
there were.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import psycopg2.extensions

from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from tests.pipelines.warehouse.synthetic import TABLES, plain_candidate


class Counter:
    """Counts statements and kills the process after one of them."""

    def __init__(self, last: int) -> None:
        self.last, self.seen = last, 0

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """A DuckDB connection whose statements are counted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, counter: Counter) -> None:
        self._connection, self._counter = connection, counter

    def execute(self, *arguments: Any) -> Any:
        answer = self._connection.execute(*arguments)
        self._counter.count()
        return answer

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def main(url: str, build: str, run_id: str, last: str) -> None:
    counter = Counter(int(last))

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
            super().execute(query, vars)
            counter.count()

    connect_postgres, connect_duckdb = psycopg2.connect, duckdb.connect
    psycopg2.connect = lambda dsn, **more: connect_postgres(dsn, cursor_factory=Cursor, **more)
    duckdb.connect = lambda *arguments: Counted(connect_duckdb(*arguments), counter)  # type: ignore[assignment]
    nowhere = Path(os.devnull)
    warehouse = PostgresWarehouse(url, "dev", Project(nowhere, nowhere, nowhere), plain_candidate)
    warehouse.publish(Path(build), run_id, run_id, TABLES)
    print(counter.seen)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
