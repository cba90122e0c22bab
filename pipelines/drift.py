"""`run.py drift`: how the sources have changed their shape, and what waits for a person to accept it.

Bronze keeps what the API sent, whatever its shape; a package in which something is missing that published tables are
made of is held back from builds, so that last-good gold stays, until the change is accepted. A catalog table is held
back at the source already.

Data flow: new load packages, catalog -> shapes -> changes -> ledger -> packages held back from the snapshot
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.lake import Snapshot
from pipelines.ledger import Ledger, accept, read, write
from pipelines.lock import hold
from pipelines.settings import Settings
from pipelines.store import open_store
from sources.drift import Change, changes

if TYPE_CHECKING:
    import duckdb

NEWEST = 20
"""Packages that the first look at a table takes for its shape."""
VITAL = {
    "spotify_api__plays": ("played_at", "track.uri", "track.name", "track.artists[].name"),
    "spotify_api__tracks": ("id", "name", "artists[].name"),
    "spotify_api__albums": ("id", "name"),
    "spotify_api__artists": ("id", "name"),
}
"""Fields of payloads that published tables are made of."""
VALUES = {
    "catalog__spotify_albums": ("album_type", "release_date_precision"),
    "spotify_export__streams": ("reason_start", "reason_end"),
    "spotify_api__plays": ("payload ->> '$.context.type'", "payload ->> '$.track.type'"),
    "spotify_api__albums": ("payload ->> '$.album_type'", "payload ->> '$.release_date_precision'"),
}
"""Expressions with few values."""
MOST_VALUES = 200


def observe(settings: Settings, snapshot: Snapshot) -> bool:
    """Look at packages that nobody has looked at; whether there was one."""
    store = open_store(settings.lake)
    ledger = read(store)
    fresh = {
        view: [
            load for load in dict.fromkeys(file.load_id for file in files) if load not in set(ledger.seen.get(view, ()))
        ]
        for view, files in snapshot.files.items()
        if view in VITAL or view in VALUES
    }
    fresh = {view: loads for view, loads in fresh.items() if loads}
    if not fresh:
        return False
    from pipelines.bronze import over_bronze

    newest = {view: loads if view in ledger.seen else loads[-NEWEST:] for view, loads in fresh.items()}
    files = {
        view: tuple(file for file in snapshot.files[view] if file.load_id in set(loads))
        for view, loads in newest.items()
    }
    with over_bronze(settings.lake, Snapshot(files), files) as connection:
        for view, loads in newest.items():
            _look(connection, ledger, view, loads)
            ledger.seen[view] = [*ledger.seen.get(view, ()), *fresh[view]]
    write(store, ledger)
    return True


def drift(settings: Settings, options: argparse.Namespace) -> int:
    """Show changes, or accept some."""
    store = open_store(settings.lake)
    if options.accept:
        with hold(settings, settings.lock_wait):  # before it is read: a run may be adding to it
            ledger = read(store)
            accept(ledger, options.accept)
            write(store, ledger)
    else:
        ledger = read(store)
    for known in ledger.changes:
        told = Change(**{name: known[name] for name in ("place", "what", "before", "now", "stops")}).told
        sys.stdout.write(f"{known['at'][:16]}  {known['state']:<9} {told}\n")
    stopped = sorted(ledger.places("stopped"))
    if stopped:
        sys.stdout.write(f"stopped; to go on: python pipelines/run.py drift --accept {' '.join(stopped)}\n")
    elif not ledger.changes:
        sys.stdout.write("no source has changed its shape\n")
    return 0


def _look(connection: "duckdb.DuckDBPyConnection", ledger: Ledger, view: str, loads: list[str]) -> None:
    place = view.replace("__", ".", 1)
    if view in VITAL:
        now = _shape(connection, view)
        before = ledger.shapes.setdefault(view, {})
        found = list(changes(place, before, now, VITAL[view], partial=True)) if now else []
        for change in found:
            ledger.note(change, loads)
        kept = {change.place.removeprefix(f"{place}.") for change in found if change.stops}
        before |= {name: kind for name, kind in now.items() if name not in kept}
    for expression in VALUES.get(view, ()):
        _look_at_values(connection, ledger, view, expression)


def _look_at_values(connection: "duckdb.DuckDBPyConnection", ledger: Ledger, view: str, expression: str) -> None:
    query = f"select distinct {expression} from bronze.{view} where {expression} is not null limit {MOST_VALUES}"
    found = {str(value)[:60] for (value,) in connection.execute(query).fetchall()}
    name = expression.rpartition("$.")[2].rstrip("'")
    known = ledger.values.get(f"{view}.{name}")
    for value in sorted(found - set(known or found)):
        ledger.note(Change(f"{view.replace('__', '.', 1)}.{name}", "value", now=value))
    ledger.values[f"{view}.{name}"] = sorted({*(known or ()), *found})[:MOST_VALUES]


def _shape(connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
    query = f"select json_group_structure(try_cast(payload as json)) from bronze.{view} where payload is not null"
    ((structure,),) = connection.execute(query).fetchall()
    return dict(_flat("", json.loads(structure))) if structure else {}


def _flat(path: str, node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(node, list):
        yield from _flat(f"{path}[]", node[0] if node else "NULL")
    elif node != "NULL":
        yield path, str(node).lower()
