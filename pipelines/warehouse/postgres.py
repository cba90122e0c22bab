"""Postgres as warehouse: write, audit, publish.

Gold lands in `landing`, dbt makes and audits `candidate`, one transaction publishes it as `gold_<run>` behind the
views `gold.*`. Every step starts by clearing what a killed run may have left of it, and readers see nothing of any
but the last. A quiet run reads one row of the pointer and one of `ops`.

Data flow: build database -> `landing` -> `candidate` -> `gold_<run>` -> views `gold.*`; runs -> `ops.*`
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.warehouse import (
    GOLD,
    OPS,
    Generation,
    Permit,
    Reconciliation,
    RunRecord,
    TableState,
    comments,
    evolution,
    landing,
    ops,
    unasked,
)
from pipelines.warehouse.connection import SETTING, connected, opened, parameters
from pipelines.warehouse.generations import TABLES, Kept, current_generation, exists, read_kept, read_pointer
from pipelines.warehouse.gold import GoldTable, compare
from pipelines.warehouse.promote import CANDIDATE, Change, keep_candidate, promote, read_columns, read_published
from pipelines.warehouse.serve import Project, build_candidate
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

PUBLISHER = "lakehouse-publisher"
ADVISORY_LOCK = 7_251_103_338
LOCK_SECONDS = 15
log = logging.getLogger("lakehouse.warehouse")


class PostgresWarehouse:
    """A Postgres database as the warehouse."""

    def __init__(
        self,
        url: str,
        profile: str,
        project: Project,
        build_candidate: Callable[[Project, Mapping[str, str]], None] = build_candidate,
    ) -> None:
        """Names the database; nothing is connected yet."""
        self.url, self.profile, self.project = url, profile, project
        self._build_candidate = build_candidate

    def published(self) -> Generation | None:
        with self._connected() as connection, connection, connection.cursor() as cursor:
            return _current(cursor)

    def publish(
        self,
        build: Path,
        run_id: str,
        fingerprint: str,
        tables: Sequence[GoldTable],
        migrate: bool = False,
        *,
        permit: Permit = unasked,
    ) -> Generation:
        with self._publishing() as connection:
            current, kept = self._state(connection)
            if current and current.fingerprint == fingerprint:
                return current
            made = next((found for found in kept if found.fingerprint == fingerprint), None)
            if not made:
                with _timed("measured the build"):
                    built = landing.measure_build(build, tables)
                self._plan(connection, built, migrate)
                self._make(connection, build, tables, built, _routes(tables, built, current))
                made = Kept(run_id, schema_of(run_id), fingerprint, self.profile, datetime.now(UTC), built)
                keep_candidate(connection, made)
            promote(connection, Change(made, migrate=migrate), permit)
            comments.copy(connection, made.schema)
            return self._shown(connection)

    def rollback(self) -> Generation:
        with self._publishing() as connection:
            current, kept = self._state(connection)
            before = [found for found in kept if current and found.run_id == current.previous]
            if not before:
                raise Problem("The warehouse has no generation before: nothing was rolled back.")
            promote(connection, Change(before[0], is_back=True, migrate=True))
            return self._shown(connection)

    def record_run(self, run: RunRecord) -> None:
        self._record(ops.PIPELINE_RUNS, [astuple(run)])

    def record_reconciliation(self, rows: Sequence[Reconciliation]) -> None:
        self._record(ops.RECONCILIATION, [astuple(row) for row in rows])

    def is_counted(self, run_id: str) -> bool:
        told = f"{OPS}.{ops.RECONCILIATION.name}"
        with self._connected() as connection, connection, connection.cursor() as cursor:
            if not exists(cursor, told):
                return False
            cursor.execute(
                f"select bool_and(explained) from {told} where station = 'published' and run_id >= %s"
                " group by run_id order by run_id desc limit 1",
                (run_id,),
            )
            return cursor.fetchall() == [(True,)]

    def attach(self, connection: "duckdb.DuckDBPyConnection") -> list[str]:
        with self._connected() as own, own, own.cursor() as cursor:
            cursor.execute(ops.in_postgres())
            cursor.execute(f"create schema if not exists {GOLD}")
        landing.attach_postgres(connection, self._parameters("lakehouse-sql"), "read_only")
        return [f"warehouse.{GOLD}", f"warehouse.{OPS}"]

    def watched(self) -> AbstractContextManager[object]:
        return self._connected()

    def check(self) -> str:
        with self._connected() as connection, connection, connection.cursor() as cursor:
            current = _current(cursor)
            cursor.execute("show server_version")
            version = cursor.fetchall()[0][0]
        self._refuse_other_profile(current)
        return f"Postgres {version}: {f'run {current.run_id}' if current else 'nothing published yet'}"

    def _plan(self, connection: "Connection", built: Mapping[str, TableState], migrate: bool) -> None:
        """Refuses names and columns that nobody may publish before any work is done for them."""
        with connection, connection.cursor() as cursor:
            published, current = read_published(cursor, read_pointer(cursor).run_id, read_kept(cursor))
            cursor.execute("select relname from pg_class where relnamespace = %s::regnamespace", (GOLD,))
            taken = sorted({name for (name,) in cursor.fetchall() if name in built} - set(published))
        if taken:
            named = ", ".join(f"{GOLD}.{name}" for name in taken)
            raise Problem(f"{named} is somebody's own, and gold has a table of that name now: rename or move it.")
        evolution.plan(published, {name: state.columns for name, state in built.items()}, migrate, current)

    def _make(
        self,
        connection: "Connection",
        build: Path,
        tables: Sequence[GoldTable],
        built: Mapping[str, TableState],
        routes: Mapping[str, landing.Route],
    ) -> None:
        """Lands the build and has the candidate built and audited."""
        with connection, connection.cursor() as cursor:
            cursor.execute(f"drop schema if exists {CANDIDATE} cascade")
            landing.prepare(cursor, built, routes)
            loader = self._parameters(PUBLISHER) | landing.loader_of(cursor)
        started = time.monotonic()
        rows = landing.copy(build, loader, routes)
        log.info("publish: landed %s rows in %.1f s", rows, time.monotonic() - started)
        with _timed("counted landing"):
            # what stayed where it was is counted with the candidate
            whole = [table for table in tables if routes[table.name] == landing.WHOLE]
            self._compare(connection, landing.LANDING, whole, built)
        with _timed("built and audited the candidate"):
            self._build_candidate(self.project, opened(connection))
        with _timed("counted the candidate"):
            self._compare(connection, CANDIDATE, tables, built)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"drop schema {landing.LANDING} cascade")

    def _compare(
        self, connection: "Connection", schema: str, tables: Sequence[GoldTable], built: Mapping[str, TableState]
    ) -> None:
        with connection, connection.cursor() as cursor:
            missing = sorted(set(built) - set(read_columns(cursor, [schema]).get(schema, {})))
            if missing:
                raise Problem(f"Schema {schema} lacks {', '.join(missing)}: add the models to dbt/models/serve.")
            wanted = {table.name: built[table.name] for table in tables}
            compare(wanted, landing.measure_schema(cursor, schema, tables, built), f"schema {schema}")

    def _state(self, connection: "Connection") -> tuple[Generation | None, list[Kept]]:
        with connection, connection.cursor() as cursor:
            cursor.execute(TABLES + f"create schema if not exists {GOLD};")
            pointer, kept = read_pointer(cursor), read_kept(cursor)
        current = current_generation(pointer, kept)
        self._refuse_other_profile(current)
        return current, kept

    def _shown(self, connection: "Connection") -> Generation:
        with connection, connection.cursor() as cursor:
            current = _current(cursor)
        if current is None:
            raise Problem("Nothing is published after a publish: somebody else writes to schema publication.")
        return current

    def _refuse_other_profile(self, current: Generation | None) -> None:
        if current and current.profile != self.profile:
            raise UsageProblem(
                f"This warehouse is published by the profile {current.profile}, this is {self.profile}: "
                f"give each profile its own database with {SETTING}."
            )

    def _record(self, table: ops.OpsTable, rows: Sequence[tuple[object, ...]]) -> None:
        from psycopg2.extras import execute_values

        if not rows:
            return
        with self._connected() as connection, connection, connection.cursor() as cursor:
            self._refuse_other_profile(_current(cursor))
            cursor.execute(ops.in_postgres())
            keys, name = ", ".join(table.key), f"{OPS}.{table.name}"
            cursor.execute(f"create temporary table fresh (like {name}) on commit drop")
            execute_values(cursor, "insert into fresh values %s", rows)
            cursor.execute(f"delete from {name} where ({keys}) in (select {keys} from fresh)")
            cursor.execute(f"insert into {name} select * from fresh")

    def _parameters(self, application: str) -> dict[str, str]:
        return parameters(self.url, application)

    def _connected(self, application: str = "lakehouse") -> AbstractContextManager["Connection"]:
        return connected(self._parameters(application))

    @contextmanager
    def _publishing(self) -> Iterator["Connection"]:
        """A connection that alone may publish; what a killed publish left running is ended."""
        with self._connected(PUBLISHER) as connection:
            with connection, connection.cursor() as cursor:
                _lock(cursor)
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
                    " and datname = current_database() and usename = current_user and pid <> pg_backend_pid()",
                    (PUBLISHER,),
                )
            yield connection


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    log.info("publish: %s in %.1f s", what, time.monotonic() - started)


def schema_of(run_id: str) -> str:
    """The schema of a generation."""
    return f"gold_{re.sub('[^a-z0-9]+', '_', run_id.lower())}"[:63]


def _lock(cursor: "Cursor") -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        cursor.execute(f"select pg_try_advisory_lock({ADVISORY_LOCK})")
        if cursor.fetchall()[0][0]:
            return
        if time.monotonic() > deadline:
            raise Problem("Another publish to this warehouse is at work: wait for it to end.")
        time.sleep(0.1)


def _current(cursor: "Cursor") -> Generation | None:
    if not exists(cursor):
        return None
    return current_generation(read_pointer(cursor), read_kept(cursor))


def _routes(
    tables: Sequence[GoldTable], built: Mapping[str, TableState], current: Generation | None
) -> dict[str, landing.Route]:
    """How each table comes into the landing."""
    if current is None:
        return dict.fromkeys(built, landing.WHOLE)
    kept, before = schema_of(current.run_id), current.tables
    return {table.name: landing.route(table, built[table.name], before.get(table.name), kept) for table in tables}
