"""What is known of the sources' shapes, and which changes wait for a person: `_drift/ledger.json` in the lake.

Each table as it was last seen, its values where they are few, and every change with what became of it. It travels with
the lake, so that every machine holds back the same packages.

Data flow: changes that a source or a look at bronze found -> ledger -> packages held back from the snapshot
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.settings import Settings
from pipelines.store import Store, open_store
from sources.drift import Change
from sources.problem import Problem, UsageProblem

PLACE = "_drift/ledger.json"
TOGETHER = {"spotify_api__plays": ("spotify_api__plays", "spotify_api__polls")}
"""Tables that are held back with one another: a poll says that its plays are known."""
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
    """The ledger of a lake; an empty one where there is none.

    Raises:
        Problem: It cannot be read.
    """
    content = store.read(PLACE)
    try:
        return Ledger(**json.loads(content)) if content else Ledger()
    except (ValueError, TypeError) as error:
        raise Problem(
            f"{store.root}/{PLACE} cannot be read: put it back from a backup, or delete it. Without it what waits to "
            "be accepted is taken as it is, and the sources' shapes are learnt anew."
        ) from error


def write(store: Store, ledger: Ledger) -> None:
    """Keep a ledger, in one step; for callers that held the lock when they read it."""
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


def held(store: Store) -> set[tuple[str, str]]:
    """Table and load id of what waits for a person."""
    return {
        (view, load)
        for known in read(store).changes
        if known["state"] == "stopped"
        for view in _views(known["place"])
        for load in known["loads"]
    }


def accept(ledger: Ledger, places: Iterable[str]) -> None:
    """Let go what waits.

    Raises:
        UsageProblem: Nothing of that name waits.
    """
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
