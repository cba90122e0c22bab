"""The one step that publishes: a transaction that renames the candidate, moves the pointer and replaces all views.

Each view `gold.<table>` is the union of the kept generations, of which only the one that the pointer names gives rows:

    select ... from gold_new.t where (select run_id from publication.pointer) = 'new'
    union all
    select ... from gold_old.t where (select run_id from publication.pointer) = 'old'

A definition is always read as of now, but the pointer as of the reader's snapshot: a repeatable-read transaction that
was opened before sees the whole old generation, everybody else the whole new one, and the dead branch is not executed.
Replacing views (not tables) keeps grants, comments and the views of users that depend on them.

A reader in the middle of a transaction holds its views, and the publish waits for it: briefly, again and again, less
long than Postgres takes to look for deadlocks, so that it is the publish that gives way and never a dashboard.

Data flow: schema `candidate` (or a kept generation), pointer -> views `gold.*`
"""

import logging
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from pipelines.warehouse import GOLD, dependents, evolution
from pipelines.warehouse.generations import Kept, Pointer, add, forget, move, read_kept, read_pointer
from sources.problem import Problem

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

CANDIDATE = "candidate"
LOCK_TIMEOUT_MS = 300
WAIT_SECONDS = 120.0
log = logging.getLogger("lakehouse.warehouse")


@dataclass(frozen=True)
class Change:
    """What readers shall see next.

    Attributes:
        to: The generation.
        is_new: Whether it is still named `candidate`.
        is_back: Whether this is a rollback: columns that it does not have yet stay, as nulls.
        migrate: Whether columns and tables may go or change.
        wait: Seconds to wait for readers.
    """

    to: Kept
    is_new: bool = False
    is_back: bool = False
    migrate: bool = False
    wait: float = WAIT_SECONDS


def promote(connection: "Connection", change: Change) -> None:
    """Makes a generation what readers see.

    Raises:
        Problem: Readers held on too long, or the columns change in a way that is not allowed; nothing has changed.
    """
    from psycopg2.errors import DeadlockDetected, LockNotAvailable

    deadline, attempt = time.monotonic() + change.wait, 0
    while True:
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
                removable = _swap(cursor, change)
            break
        except (LockNotAvailable, DeadlockDetected) as error:
            attempt += 1
            if time.monotonic() > deadline:
                raise Problem(_too_long(connection, change.wait)) from error
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - readers get their turn
    log.info("publish: swapped after %s attempts", attempt + 1)
    _drop(connection, removable)


def _swap(cursor: "Cursor", change: Change) -> list[Kept]:
    """The transaction's statements; returns the generations that no view needs any more."""
    before = read_pointer(cursor, is_locked=True)
    if change.is_new:
        cursor.execute(f"alter schema {CANDIDATE} rename to {quote(change.to.schema)}")
        add(cursor, change.to)
    after = _pointer(before, change)
    move(cursor, before, after)
    needed = {after.run_id, after.previous, after.held_back}
    kept = read_kept(cursor)
    shown = [found for found in kept if found.run_id in needed or found.is_needed_by_snapshot]
    _replace_views(cursor, change, shown)
    return [found for found in kept if found not in shown]


def _pointer(before: Pointer, change: Change) -> Pointer:
    if change.is_back:
        return Pointer(change.to.run_id, None, before.run_id)
    return Pointer(change.to.run_id, before.run_id)


def _replace_views(cursor: "Cursor", change: Change, shown: Sequence[Kept]) -> None:
    tables = read_columns(cursor, [GOLD, *(generation.schema for generation in shown)])
    published, new = tables.get(GOLD, {}), tables[change.to.schema]
    if change.is_back:
        new = {name: {**published.get(name, {}), **new.get(name, {})} for name in {**published, **new}}
    plan = evolution.plan(published, new, change.migrate)
    with dependents.set_aside(cursor, GOLD, [*plan.gone, *plan.broken]) as saved:
        statements = [
            f"create or replace view {GOLD}.{quote(name)} as {_view(name, columns, change.to, shown, tables)}"
            for name, columns in plan.columns.items()
        ]
        cursor.execute(";".join(statements))
        saved.forget(plan.gone)


def _view(
    name: str,
    columns: evolution.Columns,
    to: Kept,
    shown: Sequence[Kept],
    tables: Mapping[str, Mapping[str, evolution.Columns]],
) -> str:
    order = [to, *(generation for generation in shown if generation != to)]
    branches = [
        _branch(name, columns, generation, tables[generation.schema][name])
        for generation in order
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


def _too_long(connection: "Connection", wait: float) -> str:
    with connection, connection.cursor() as cursor:
        cursor.execute("""
            select distinct usename, pid, coalesce(nullif(application_name, ''), 'a client'), xact_start::text
            from pg_locks join pg_stat_activity using (pid) join pg_class on pg_class.oid = relation
            join pg_namespace on pg_namespace.oid = relnamespace
            where nspname = 'gold' and granted and pid <> pg_backend_pid()
        """)
        holders = [f"{name} ({client}, process {pid}, since {since})" for name, pid, client, since in cursor.fetchall()]
    return (
        f"Readers held the tables of gold for longer than {wait:.0f} s: {', '.join(holders) or 'unknown'}. Dashboards "
        "stay as they were. End these transactions, or publish again later: the next run does it."
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
