"""The generations of gold in Postgres: which there are, which one readers see, which may go.

`publication.pointer` is one row that names the current generation; `publication.generation` tells of those that are
kept. A generation that was replaced stays as long as a snapshot may need it: right after the step that replaced it,
the transactions that are open are noted, and it may go when all of them have ended. Their names are in `pg_locks`,
which everybody may read; the age of their snapshots is not told to a publisher without special rights.

Data flow: schema `publication` <-> Kept, Pointer
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.warehouse import Generation, TableState

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

TABLES = """
create schema if not exists publication;
create table if not exists publication.generation (
    run_id text primary key,
    schema_name text not null unique,
    fingerprint text not null,
    profile text not null,
    published_at timestamptz not null,
    tables jsonb not null,
    readers text[]
);
create table if not exists publication.pointer (
    is_only boolean primary key default true check (is_only),
    run_id text references publication.generation,
    previous text,
    held_back text
);
insert into publication.pointer default values on conflict do nothing;
"""


@dataclass(frozen=True)
class Pointer:
    """The one row that decides what readers see.

    Attributes:
        run_id: The current generation; None before the first publish.
        previous: The one that a rollback goes back to.
        held_back: The one that a rollback took away.
    """

    run_id: str | None
    previous: str | None = None
    held_back: str | None = None


@dataclass(frozen=True)
class Kept:
    """A generation whose tables exist.

    Attributes:
        is_needed_by_snapshot: Whether an open snapshot may still see it as the current one; true while unknown.
    """

    run_id: str
    schema: str
    fingerprint: str
    profile: str
    published_at: datetime
    tables: Mapping[str, TableState]
    is_needed_by_snapshot: bool = False


def exists(cursor: "Cursor", table: str = "publication.pointer") -> bool:
    """Whether a table is there; of the pointer: whether anything was ever published here."""
    cursor.execute("select to_regclass(%s) is not null", (table,))
    return bool(cursor.fetchall()[0][0])


def read_pointer(cursor: "Cursor", is_locked: bool = False) -> Pointer:
    """The pointer; with `is_locked` nobody else can move it until the transaction ends."""
    cursor.execute(f"select run_id, previous, held_back from publication.pointer {'for update' if is_locked else ''}")
    return Pointer(*cursor.fetchall()[0])


def read_kept(cursor: "Cursor") -> list[Kept]:
    """All generations, the newest first."""
    cursor.execute("""
        select run_id, schema_name, fingerprint, profile, published_at, tables,
            readers is null or exists (
                select 1 from pg_locks where locktype = 'virtualxid' and virtualxid = any(readers)
            )
        from publication.generation
        order by published_at desc
    """)
    return [
        Kept(run_id, schema, fingerprint, profile, published_at, _states(tables), is_needed)
        for run_id, schema, fingerprint, profile, published_at, tables, is_needed in cursor.fetchall()
    ]


def current_generation(pointer: Pointer, kept: Sequence[Kept]) -> Generation | None:
    """What readers see, in the terms of every warehouse."""
    by_run = {generation.run_id: generation for generation in kept}
    current = by_run.get(pointer.run_id or "")
    if not current:
        return None
    held = by_run.get(pointer.held_back or "")
    return Generation(
        current.run_id,
        current.fingerprint,
        current.profile,
        current.published_at,
        current.tables,
        pointer.previous,
        held.fingerprint if held else None,
    )


def add(cursor: "Cursor", new: Kept) -> None:
    """Notes a generation that nobody has seen yet, and that nobody therefore needs."""
    tables = json.dumps({name: asdict(state) for name, state in new.tables.items()})
    cursor.execute(
        "insert into publication.generation (run_id, schema_name, fingerprint, profile, published_at, tables, readers)"
        " values (%s, %s, %s, %s, %s, %s, '{}')",
        (new.run_id, new.schema, new.fingerprint, new.profile, new.published_at, tables),
    )


def move(cursor: "Cursor", before: Pointer, after: Pointer) -> None:
    """Moves the pointer; who may still need the generation before is not known yet."""
    cursor.execute(
        "update publication.pointer set run_id = %s, previous = %s, held_back = %s",
        (after.run_id, after.previous, after.held_back),
    )
    runs = (after.run_id, before.run_id)
    cursor.execute("update publication.generation set readers = null where run_id in %s", (runs,))


def note_readers(cursor: "Cursor") -> None:
    """Notes who may still need a generation that is not the current one any more.

    To be called after the pointer has moved for everybody: whoever opens a transaction later needs no older one.
    """
    cursor.execute("""
        update publication.generation
        set readers = array(
            select virtualxid
            from pg_locks join pg_stat_activity using (pid)
            where locktype = 'virtualxid' and pid <> pg_backend_pid() and datname = current_database()
        )
        where readers is null and run_id is distinct from (select run_id from publication.pointer)
    """)


def forget(cursor: "Cursor", run_id: str) -> None:
    """Removes the note of a generation whose tables are gone."""
    cursor.execute("delete from publication.generation where run_id = %s", (run_id,))


def _states(tables: Mapping[str, Any]) -> dict[str, TableState]:
    return {name: TableState(**state) for name, state in tables.items()}
