"""`run.py compact`: many small files of the lake read as few; bronze itself stays as it is.

Neighbouring small packages of a table are copied into one file beside bronze, which is read back and compared with
what it stands for, and becomes visible by one write of a list. A kill at any moment leaves the list of before, and at
most a file that nobody names. The flow does the same by itself when a table has grown many files, so that a year of
polls is read like a handful of files.

Data flow: Snapshot -> small neighbouring packages -> _compacted/<view>.<token>.parquet -> _compacted/list.json
"""

import argparse
import logging
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import duck, lake_reader, merged
from pipelines.lake import take_snapshot
from pipelines.lock import BusyError, Lock, hold
from pipelines.merged import Merged, Piece
from pipelines.settings import Settings
from pipelines.store import Store, open_store
from sources.problem import Problem

if TYPE_CHECKING:
    import duckdb

SMALL = 32_000_000
"""Bytes; what is larger is read well as it is."""
TARGET = 128_000_000
AT_ONCE = 1000
"""Pieces merged in one go: DuckDB keeps the footers of all that it reads together."""
MANY = 64
"""Pieces of a table with which the flow compacts by itself."""
log = logging.getLogger("lakehouse.compact")


@dataclass(frozen=True)
class Compacted:
    """What was done with one table: files read for it before and after."""

    view: str
    before: int
    after: int


def command(settings: Settings, _options: argparse.Namespace) -> int:
    """`run.py compact`."""
    with hold(settings, settings.lock_wait) as lock:
        done = compact(settings, lock)
    for table in done:
        sys.stdout.write(f"{table.view}: {table.before:,} files are read as {table.after:,}\n")
    sys.stdout.write("bronze is as it was\n" if done else "nothing to compact\n")
    return 0


def compact(settings: Settings, lock: Lock, least: int = 2) -> list[Compacted]:
    """Merge small neighbouring packages; for callers that hold the lock.

    Args:
        settings: The environment.
        lock: Asked once more before the list changes.
        least: Pieces that a table must have to be worth it.

    Raises:
        Problem: A merged file does not say what its files say; the list stays as it was.
    """
    store = open_store(settings.lake)
    snapshot = take_snapshot(store)
    groups = {view: list(_groups(found)) for view in snapshot.files if len(found := snapshot.pieces(view)) >= least}
    work = [(view, group) for view, found in groups.items() for group in found]
    if not work:
        return []
    made = _merge_all(settings, store, work)
    kept = [each for each in snapshot.merged if not any(_replaces(new, each) for new in made)]
    gone = {each.path for each in snapshot.merged} - {each.path for each in kept}
    lock.check()
    merged.write_list(store, [*kept, *made], gone)
    _sweep(store)
    after = take_snapshot(store)
    changed = [view for view, found in groups.items() if found]
    return [Compacted(view, len(snapshot.paths(view)), len(after.paths(view))) for view in changed]


def when_due(settings: Settings, lock: Lock) -> None:
    """Compact tables that have grown many files; a cache that cannot be made stops nothing."""
    import duckdb

    try:
        for table in compact(settings, lock, least=MANY):
            log.info("%s: %s files are read as %s", table.view, table.before, table.after)
    except BusyError:
        raise
    except (Problem, duckdb.Error, OSError) as error:
        log.warning("not compacted: %s", str(error).splitlines()[0])


def _groups(found: list[Piece]) -> Iterator[list[Piece]]:
    """Neighbours that together make one file of a good size."""
    group: list[Piece] = []
    for piece in found:
        if piece.bytes >= SMALL or len(group) == AT_ONCE or sum(each.bytes for each in group) >= TARGET:
            yield from [group] if len(group) > 1 else []
            group = []
        if piece.bytes < SMALL:
            group.append(piece)
    yield from [group] if len(group) > 1 else []


def _merge_all(settings: Settings, store: Store, work: list[tuple[str, list[Piece]]]) -> list[Merged]:
    import duckdb

    merged.write_list(store, take_snapshot(store).merged, merged.read_retired(store))  # the folder is there then
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_external_file_cache = false")  # it would hold all files in memory
        lake_reader.open_lake(connection, settings.lake)
        found = [_merge(connection, store, view, group) for view, group in work]
    return [each for each in found if each]


def _merge(connection: "duckdb.DuckDBPyConnection", store: Store, view: str, group: list[Piece]) -> Merged | None:
    paths = [path for piece in group for path in piece.paths]
    if disagreeing := _disagreeing(connection, paths):
        log.warning("%s is left as it is: its files do not agree on the type of %s", view, ", ".join(disagreeing))
        return None
    place = f"{merged.FOLDER}/{view}.{secrets.token_hex(8)}.parquet"
    target = f"{store.root}/{place}"
    connection.execute(f"copy (from {_files(paths)}) to {duck.literal(target)} (format parquet, compression zstd)")
    if _content(connection, [target]) != _content(connection, paths):
        raise Problem(f"{target} does not say what its {len(paths)} files say; nothing was changed. Run compact again.")
    files = [file for piece in group for file in piece.files]
    size = store.walk(merged.FOLDER)[place]
    return Merged(place, view, files[0].load_id, files[-1].load_id, merged.digest(files), size)


def _files(paths: list[str]) -> str:
    return f"read_parquet([{', '.join(map(duck.literal, paths))}], union_by_name = true)"


def _content(connection: "duckdb.DuckDBPyConnection", paths: list[str]) -> object:
    rows = f"select count(*), sum(cast(hash(rows) as hugeint)) from {_files(paths)} as rows"
    return connection.execute(rows).fetchone()


def _disagreeing(connection: "duckdb.DuckDBPyConnection", paths: list[str]) -> list[str]:
    types = "coalesce(type, '') || coalesce(logical_type, '') || coalesce(converted_type, '')"
    query = f"select name from parquet_schema(?) group by name having count(distinct {types}) > 1 order by 1"
    return [name for (name,) in connection.execute(query, [paths]).fetchall() if name != "schema"]


def _replaces(new: Merged, old: Merged) -> bool:
    return new.view == old.view and new.first <= old.first and old.last <= new.last


def _sweep(store: Store) -> None:
    """Delete files that the list does not name: of a killed run, or replaced before the last time."""
    named = {each.path for each in merged.read_list(store)} | merged.read_retired(store) | {merged.LIST}
    for path in store.walk(merged.FOLDER):
        if path not in named:
            store.delete(path)
