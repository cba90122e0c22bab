"""The step that publishes: views that know the new generation already, then one row that names it.

Each view `gold.<table>` is the union of the kept generations, of which only the one that the pointer names gives rows:

    select ... from gold_new.t where (select run_id from publication.pointer) = 'new'
    union all
    select ... from gold_old.t where (select run_id from publication.pointer) = 'old'

A definition is always read as of now, but the pointer as of the reader's snapshot: a repeatable-read transaction that
was opened before sees the whole old generation, everybody else the whole new one, and the dead branch is not executed.
Replacing views (not tables) keeps grants, comments and the views of users that depend on them.

First each view learns of the new generation, one at a time, which changes nothing that anybody sees. Then the pointer
moves under an exclusive lock on its table. Every reader in the middle of a transaction holds that table, so even a
read-committed transaction of several statements sees one generation; whoever comes later waits for the move and holds
nothing that the move needs. All views in one transaction was tried: readers that go through several marts and the
publish then held each other up, and a publish took up to 45 attempts. A migration, which must drop views, still is one
transaction.

Waits are shorter than Postgres takes to look for deadlocks, so that it is the publish that gives way, never a
dashboard, and they are repeated.

Data flow: schema `candidate` (or a kept generation) -> views `gold.*` -> pointer
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from pipelines.warehouse import GOLD, Permit, dependents, evolution, unasked
from pipelines.warehouse.generations import Kept, Pointer, add, forget, move, note_readers, read_kept, read_pointer
from sources.problem import Problem

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

CANDIDATE = "candidate"
LOCK_TIMEOUT_MS = 300
LONGEST_LOCK_TIMEOUT_MS = 900  # Postgres looks for deadlocks after 1000
WAIT_SECONDS = 120.0
Tables = Mapping[str, evolution.Columns]
log = logging.getLogger("lakehouse.warehouse")


@dataclass(frozen=True)
class Change:
    """What readers shall see next.

    Attributes:
        to: The generation, noted by `keep_candidate`.
        is_back: Whether this is a rollback: columns that it does not have yet stay, as nulls.
        migrate: Whether columns and tables may go or change.
    """

    to: Kept
    is_back: bool = False
    migrate: bool = False


@dataclass(frozen=True)
class Look:
    """What there is when a promotion begins."""

    after: Pointer
    plan: evolution.Plan
    views: Mapping[str, str]
    removable: Sequence[Kept]

    @property
    def is_gentle(self) -> bool:
        """Whether no view has to be dropped, and there is a generation to be seen meanwhile."""
        return not (self.plan.broken or self.plan.gone or self.after.previous is self.after.held_back is None)


def keep_candidate(connection: "Connection", new: Kept) -> None:
    """Turns the audited candidate into a generation that nobody sees yet."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"alter schema {CANDIDATE} rename to {quote(new.schema)}")
        add(cursor, new)


def promote(connection: "Connection", change: Change, permit: Permit = unasked) -> None:
    """Makes a generation what readers see.

    Args:
        connection: Of the publisher.
        change: Which generation.
        permit: Asked before each attempt of the step that shows it; no lock is held meanwhile.

    Raises:
        Problem: Readers held on too long, or the columns change in a way that is not allowed; they see what they saw.
    """
    started = time.monotonic()
    with connection, connection.cursor() as cursor:
        look = _look(cursor, change)
    patient = _Patient(connection, started + WAIT_SECONDS)
    if look.is_gentle:
        for name, definition in look.views.items():
            patient.run(partial(_replace, views={name: definition}))
        patient.run(partial(_flip, after=look.after), permit)
    else:
        patient.run(partial(_migrate, look=look), permit)
    with connection, connection.cursor() as cursor:
        note_readers(cursor)
    log.info("publish: swapped in %.2f s, having given way %s times", time.monotonic() - started, patient.attempts)
    _drop(connection, look.removable)


class _Patient:
    """Runs transactions that wait for readers: briefly, again and again, until a deadline for all of them."""

    def __init__(self, connection: "Connection", deadline: float) -> None:
        self.connection, self.deadline, self.attempts = connection, deadline, 0

    def run(self, work: Callable[["Cursor"], None], permit: Permit = unasked) -> None:
        from psycopg2.errors import DeadlockDetected, LockNotAvailable

        while True:
            permit()
            try:
                with self.connection, self.connection.cursor() as cursor:
                    patience = min(LOCK_TIMEOUT_MS + 60 * self.attempts, LONGEST_LOCK_TIMEOUT_MS)
                    cursor.execute(f"set local lock_timeout = {patience}")
                    work(cursor)
                return
            except (LockNotAvailable, DeadlockDetected) as error:
                self.attempts += 1
                if time.monotonic() > self.deadline:
                    raise Problem(_too_long(self.connection)) from error
                time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - readers get their turn


def _look(cursor: "Cursor", change: Change) -> Look:
    before, kept = read_pointer(cursor), read_kept(cursor)
    after = Pointer(
        change.to.run_id, None if change.is_back else before.run_id, before.run_id if change.is_back else None
    )
    needed = {after.run_id, after.previous, after.held_back}
    shown = [found for found in kept if found.run_id in needed or found.is_needed_by_snapshot]
    tables = read_columns(cursor, [generation.schema for generation in shown])
    (published, current), new = read_published(cursor, before.run_id, kept), tables[change.to.schema]
    if change.is_back:
        new = {name: {**published.get(name, {}), **new.get(name, {})} for name in {**published, **new}}
    plan = evolution.plan(published, new, change.migrate, current)
    views = {name: _definition(name, columns, shown, tables) for name, columns in plan.columns.items()}
    return Look(after, plan, views, [found for found in kept if found not in shown])


def _replace(cursor: "Cursor", views: Mapping[str, str]) -> None:
    statements = [f"create or replace view {GOLD}.{quote(name)} as {query}" for name, query in views.items()]
    cursor.execute(";".join(statements))


def _flip(cursor: "Cursor", after: Pointer) -> None:
    cursor.execute("lock table publication.pointer in access exclusive mode")
    move(cursor, read_pointer(cursor), after)


def _migrate(cursor: "Cursor", look: Look) -> None:
    with dependents.set_aside(cursor, GOLD, [*look.plan.gone, *look.plan.broken]) as saved:
        _replace(cursor, look.views)
        saved.forget(look.plan.gone)
    move(cursor, read_pointer(cursor), look.after)


def _definition(name: str, columns: evolution.Columns, shown: Sequence[Kept], tables: Mapping[str, Tables]) -> str:
    branches = [
        _branch(name, columns, generation, tables[generation.schema][name])
        for generation in shown
        if name in tables.get(generation.schema, {})
    ]
    return " union all ".join(branches)


def _branch(name: str, columns: evolution.Columns, generation: Kept, has: evolution.Columns) -> str:
    parts = [
        quote(column) if has.get(column) == kind else f"null::{kind} as {quote(column)}"
        for column, kind in columns.items()
    ]
    gate = f"(select run_id from publication.pointer) = {literal(generation.run_id)}"
    return f"select {', '.join(parts)} from {quote(generation.schema)}.{quote(name)} where {gate}"


def read_published(cursor: "Cursor", run_id: str | None, kept: Sequence[Kept]) -> tuple[Tables, Tables]:
    """Columns of the published views, and what the current generation has of them.

    Only what a generation holds is published: anything else in `gold` is a user's own.
    """
    schema = next((generation.schema for generation in kept if generation.run_id == run_id), "")
    tables = read_columns(cursor, [GOLD, schema])
    names = {name for generation in kept for name in generation.tables}
    return {name: columns for name, columns in tables.get(GOLD, {}).items() if name in names}, tables.get(schema, {})


def read_columns(cursor: "Cursor", schemas: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Types of the columns by schema, table and name, in order."""
    cursor.execute(
        """
        select nspname, relname, attname, format_type(atttypid, atttypmod)
        from pg_attribute join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = any(%s) and relkind in ('r', 'v') and attnum > 0 and not attisdropped
        order by nspname, relname, attnum
        """,
        (list(schemas),),
    )
    found: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table, column, kind in cursor.fetchall():
        found.setdefault(schema, {}).setdefault(table, {})[column] = kind
    return found


def _too_long(connection: "Connection") -> str:
    with connection, connection.cursor() as cursor:
        cursor.execute("""
            select distinct usename, pid, coalesce(nullif(application_name, ''), 'a client'), xact_start::text
            from pg_locks join pg_stat_activity using (pid) join pg_class on pg_class.oid = relation
            join pg_namespace on pg_namespace.oid = relnamespace
            where nspname in ('gold', 'publication') and granted and pid <> pg_backend_pid()
        """)
        holders = [f"{name} ({client}, process {pid}, since {since})" for name, pid, client, since in cursor.fetchall()]
    return (
        f"Readers held the tables of gold for longer than {WAIT_SECONDS:.0f} s: {', '.join(holders) or 'unknown'}. "
        "Dashboards stay as they were. End these transactions, or publish again later: the next run does it."
    )


def _drop(connection: "Connection", removable: Sequence[Kept]) -> None:
    """Drops generations; what cannot be dropped now stays for the next publish."""
    from psycopg2 import Error

    for generation in removable:
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
                tables = read_columns(cursor, [generation.schema]).get(generation.schema, {})
                names = ", ".join(f"{quote(generation.schema)}.{quote(name)}" for name in tables)
                cursor.execute(f"drop table {names}" if names else "select 1")
                cursor.execute(f"drop schema if exists {quote(generation.schema)}")
                forget(cursor, generation.run_id)
        except Error as error:
            log.info("generation %s stays for now: %s", generation.run_id, str(error).splitlines()[0])
