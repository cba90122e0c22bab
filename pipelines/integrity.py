"""What of the lake is lost, found by comparing it with its manifests; everything else goes on without it.

A file is lost when its manifest names it and it is not there, or has another length, or could not be read in the first
place. Lengths are compared by every run; digests, for which all bytes are read, when a build fails and by `rebuild`. A
loss is healed when the same rows came again: a new base of a catalog table, the same export imported once more, a newer
copy of the rules.

Data flow: Snapshot, manifests -> Snapshot of the files that are whole, with its losses
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from pipelines import ledger, manifest
from pipelines.committed import File, Loss
from pipelines.lake import Snapshot, take_snapshot
from pipelines.manifest import Entry, below
from pipelines.settings import LakeSettings, Settings
from pipelines.store import Folder, Store, open_store

SPOILED = "spoiled.json"
HELD_BACK = "held back until a change of its shape is accepted"
NEWEST_BASES = """
select table_name, max(cast(_dlt_load_id as double)) from bronze.catalog__extracts
where is_complete and lower_bound is null and partition is null group by table_name
"""
IMPORTED_AGAIN = """
select _dlt_load_id from bronze.spotify_export__files where list_contains(?, _dlt_load_id)
group by _dlt_load_id
having bool_and(file_id in (select file_id from bronze.spotify_export__files where not list_contains(?, _dlt_load_id)))
"""


def sound_snapshot(settings: Settings, *, note: bool = False) -> Snapshot:
    """The committed files that are whole, and what is lost.

    Args:
        settings: The environment.
        note: Write the manifests of packages that have none; for callers that hold the lock.
    """
    store = open_store(settings.lake)
    snapshot, known = take_snapshot(store), _manifests(settings, store)
    if note and manifest.write_missing(settings.lake, store, snapshot, known):
        known = _manifests(settings, store)
    found = (*_remembered(settings, store, known), *_missing(store, snapshot, known))
    lost = {loss.path: loss for loss in found}
    return without_held(settings, _without(snapshot, store, lost, settings.lake) if lost else snapshot, known)


def without_held(settings: Settings, snapshot: Snapshot, known: Mapping[str, Entry] | None = None) -> Snapshot:
    """The snapshot without packages that wait for a person, and with what they hold.

    Args:
        settings: The environment.
        snapshot: The committed files that are whole.
        known: The manifests, where the caller has read them.
    """
    store = open_store(settings.lake)
    waiting = ledger.held(store)
    files = {
        view: tuple(file for file in there if (view, file.load_id) not in waiting)
        for view, there in snapshot.files.items()
    }
    if files == snapshot.files:
        return snapshot
    entries = _manifests(settings, store) if known is None else known
    held = [
        _held(store, view, file, entries)
        for view, there in snapshot.files.items()
        for file in there
        if (view, file.load_id) in waiting
    ]
    return replace(snapshot, files={view: left for view, left in files.items() if left}, held=(*snapshot.held, *held))


def examine(settings: Settings, snapshot: Snapshot) -> bool:
    """Read every byte of a snapshot's files, and remember the spoiled ones; whether any was found.

    A file without a manifest cannot be judged and is left in.
    """
    store = open_store(settings.lake)
    known = _manifests(settings, store)
    paths = [below(store.root, file.path) for files in snapshot.files.values() for file in files]
    found = [_loss(known[path], "other bytes than were written") for path in paths if _is_spoiled(store, known, path)]
    if found:
        kept = [asdict(loss) for loss in (*_remembered(settings, store, known), *found)]
        Folder(settings.data_dir).write(SPOILED, json.dumps(kept).encode())
    return bool(found)


def told(loss: Loss) -> str:
    """One paragraph on a loss: which file, which rows, which days."""
    rows = "an unknown number of rows" if loss.rows is None else f"{loss.rows:,} rows"
    days = f" of {loss.first_at[:10]} to {(loss.last_at or '')[:10]}" if loss.first_at else ""
    return (
        f"The lake has lost {loss.path} ({loss.reason}): {rows}{days} of bronze.{loss.table}, load {loss.load_id}. "
        "Everything else is built without it; put the file back from a backup and run again."
    )


def _manifests(settings: Settings, store: Store) -> dict[str, Entry]:
    return manifest.read(store, settings.data_dir / "manifests.json")


def _missing(store: Store, snapshot: Snapshot, known: Mapping[str, Entry]) -> Iterator[Loss]:
    there = {below(store.root, file.path): file.bytes for files in snapshot.files.values() for file in files}
    for path, entry in known.items():
        if path not in there:
            yield _loss(entry, "missing")
        elif there[path] != entry.bytes:
            yield _loss(entry, f"{there[path]:,} bytes instead of {entry.bytes:,}")
        elif entry.rows is None:
            yield _loss(entry, "no parquet file")


def _held(store: Store, view: str, file: File, known: Mapping[str, Entry]) -> Loss:
    path = below(store.root, file.path)
    return _loss(known.get(path, Entry(path, view, file.load_id, file.bytes, "")), HELD_BACK)


def _loss(entry: Entry, reason: str) -> Loss:
    return Loss(entry.path, entry.table, entry.load_id, reason, entry.rows, entry.first_at, entry.last_at)


def _remembered(settings: Settings, store: Store, known: Mapping[str, Entry]) -> list[Loss]:
    """Losses that only reading told, as long as those very bytes are there."""
    try:
        found = [Loss(**loss) for loss in json.loads((settings.data_dir / SPOILED).read_text())]
    except (FileNotFoundError, ValueError):
        return []
    return [loss for loss in found if _is_spoiled(store, known, loss.path)]


def _is_spoiled(store: Store, known: Mapping[str, Entry], path: str) -> bool:
    return path in known and hashlib.sha256(store.read(path) or b"").hexdigest() != known[path].sha256


def _without(snapshot: Snapshot, store: Store, lost: Mapping[str, Loss], lake: LakeSettings) -> Snapshot:
    files: dict[str, tuple[File, ...]] = {}
    for view, there in snapshot.files.items():
        left = tuple(file for file in there if below(store.root, file.path) not in lost)
        files |= {view: left} if left else {}
    sound = replace(snapshot, files=files, losses=tuple(lost.values()))
    healed = _healed(lake, sound)
    return replace(sound, losses=tuple(replace(loss, is_healed=loss.path in healed) for loss in sound.losses))


def _healed(lake: LakeSettings, sound: Snapshot) -> set[str]:
    """Paths of losses whose rows came again."""
    from pipelines.bronze import over_bronze

    damaged = sorted({loss.load_id for loss in sound.losses if loss.table.startswith("spotify_export__")})
    # every row counts here: the views of a build leave out what a later import brought again
    everything = replace(sound, losses=())
    with over_bronze(lake, everything, ("catalog__extracts", "spotify_export__files")) as connection:
        bases: dict[str, float] = dict(connection.execute(NEWEST_BASES).fetchall())
        again = {load for (load,) in connection.execute(IMPORTED_AGAIN, [damaged, damaged]).fetchall()}
    copies = [float(file.load_id) for file in sound.files.get("curation__rules", ())]
    return {loss.path for loss in sound.losses if _is_healed(loss, bases, again, max(copies, default=0.0))}


def _is_healed(loss: Loss, bases: Mapping[str, float], again: set[str], newest_copy: float) -> bool:
    from sources.catalog import NAMES

    source, _, table = loss.table.partition("__")
    load = float(loss.load_id)
    if source == "catalog":
        return all(bases.get(name, 0.0) > load for name in ((table,) if table in NAMES else NAMES))
    if source == "curation":
        return newest_copy > load
    return source == "spotify_export" and loss.load_id in again
