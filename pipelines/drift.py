"""`run.py drift`: how the sources have changed their shape, and what waits for a person to accept it.

The ledger `_drift/ledger.json` travels with the lake: each table as it was last seen, its values where they are few,
and every change. Bronze keeps what the API sent, whatever its shape; a package in which something is missing that
published tables are made of is held back from builds, so that last-good gold stays, until the change is accepted. A
catalog table is held back at the source already.

Data flow: new load packages, catalog -> shapes -> changes -> ledger -> packages held back from the snapshot
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines.lake import Snapshot
from pipelines.settings import Settings
from pipelines.store import Store, open_store
from sources.drift import Change, changes
from sources.problem import UsageProblem

if TYPE_CHECKING:
    import duckdb

PLACE = "_drift/ledger.json"
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
TOGETHER = {"spotify_api__plays": ("spotify_api__plays", "spotify_api__polls")}
"""Tables that are held back with one another: a poll says that its plays are known."""
MOST_VALUES = 200
log = logging.getLogger("lakehouse.drift")


@dataclass
class Ledger:
    """What is known of the sources' shapes.

    Attributes:
        shapes: Kind by field, by table.
        values: Values seen, by table and expression.
        seen: Load packages looked at, by table.
        changes: Every change with `at`, `state` (`evolved`, `stopped`, `accepted`, `done`) and `loads`.
    """

    shapes: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def note(self, change: Change, loads: Iterable[str] = ()) -> None:
        """Add a change, or the packages that it was seen in again."""
        for known in self.changes:
            if known["place"] == change.place and known["now"] == change.now and known["state"] != "done":
                known["loads"] = sorted({*known["loads"], *loads})
                return
        state = "stopped" if change.stops else "evolved"
        self.changes.append({"at": _now(), "state": state, "loads": sorted(loads), **asdict(change)})
        log.warning("drift: %s%s", change.told, ": stopped until it is accepted" if change.stops else "")

    def places(self, state: str) -> frozenset[str]:
        """Places of all changes in a state."""
        return frozenset(known["place"] for known in self.changes if known["state"] == state)


def read(store: Store) -> Ledger:
    """The ledger of a lake; an empty one where there is none."""
    content = store.read(PLACE)
    return Ledger(**json.loads(content)) if content else Ledger()


def write(store: Store, ledger: Ledger) -> None:
    """Keep a ledger, in one step."""
    store.write(PLACE, json.dumps(asdict(ledger), indent=1, ensure_ascii=False).encode())


def record(settings: Settings, found: Mapping[str, Iterable[Change]], loaded: Iterable[str] = ()) -> None:
    """Note changes that a source told of.

    Args:
        settings: The environment.
        found: Changes by table (`catalog.spotify_tracks`).
        loaded: Tables that were loaded in their new shape: what was accepted for them is done.
    """
    store = open_store(settings.lake)
    ledger = read(store)
    before = json.dumps(asdict(ledger))
    for change in (change for each in found.values() for change in each):
        ledger.note(change)
    for known in ledger.changes:
        if known["state"] in ("accepted", "stopped") and known["place"].rpartition(".")[0] in set(loaded):
            known["state"] = "done"
    if json.dumps(asdict(ledger)) != before:
        write(store, ledger)


def accepted(settings: Settings) -> frozenset[str]:
    """Places whose change a person has accepted."""
    return read(open_store(settings.lake)).places("accepted")


def without_held(store: Store, snapshot: Snapshot) -> Snapshot:
    """The snapshot without packages that wait for a person."""
    held = {
        (view, load)
        for known in read(store).changes
        if known["state"] == "stopped"
        for view in _views(known["place"])
        for load in known["loads"]
    }
    if not held:
        return snapshot
    files = {
        view: tuple(file for file in there if (view, file.load_id) not in held)
        for view, there in snapshot.files.items()
    }
    return replace(snapshot, files={view: left for view, left in files.items() if left})


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
    from pipelines.duck import over_bronze

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
    ledger = read(store)
    if options.accept:
        _accept(ledger, options.accept)
        from pipelines.lock import hold

        with hold(settings, settings.lock_wait):
            write(store, ledger)
    for known in ledger.changes:
        told = Change(**{name: known[name] for name in ("place", "what", "before", "now", "stops")}).told
        sys.stdout.write(f"{known['at'][:16]}  {known['state']:<9} {told}\n")
    stopped = sorted(ledger.places("stopped"))
    if stopped:
        sys.stdout.write(f"stopped; to go on: python pipelines/run.py drift --accept {' '.join(stopped)}\n")
    elif not ledger.changes:
        sys.stdout.write("no source has changed its shape\n")
    return 0


def _accept(ledger: Ledger, places: Iterable[str]) -> None:
    waiting = ledger.places("stopped")
    for place in places:
        if place not in waiting:
            raise UsageProblem(
                f"Nothing called {place} waits to be accepted: {', '.join(sorted(waiting)) or 'nothing at all waits'}."
            )
    for known in ledger.changes:
        if known["state"] == "stopped" and known["place"] in places:
            known["state"] = "accepted" if known["place"].startswith("catalog.") else "done"
            for view in _views(known["place"]) if known["loads"] else ():
                _take(ledger.shapes.get(view, {}), known)


def _take(shape: dict[str, str], known: Mapping[str, Any]) -> None:
    name = known["place"].split(".", 2)[2]
    shape.pop(name, None)
    if known["now"]:
        shape[name] = known["now"]


def _views(place: str) -> tuple[str, ...]:
    source, table, _ = place.split(".", 2)
    view = f"{source}__{table}"
    return TOGETHER.get(view, (view,))


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
