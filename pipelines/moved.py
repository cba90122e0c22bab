"""A lake that is not the one which this machine loaded: deleted, named anew, or brought back from a backup.

What a source remembers here (cursors, files known, plays kept) is true of one lake only. Where the lake does not hold
the last package of a source that this machine loaded, or took its memory from, that memory is dropped, so that
everything which the source can still give is loaded again; what the API counted and forbade is kept, since it is true
whatever becomes of the lake.

Data flow: lake, data folder -> data folder without the memory of another lake
"""

import logging
import os
import shutil
from pathlib import Path

from pipelines.listener import journal_folder
from pipelines.settings import Settings
from pipelines.store import Store
from sources.durable import write_whole
from sources.pending import waits

ORIGIN = "memory_of"
"""File in a pipeline's folder: the load package that its memory came from, empty where the lake had none."""
log = logging.getLogger("lakehouse.moved")


def forget_other_lake(settings: Settings, store: Store, source: str) -> bool:
    """Drop what this machine remembers of a source that the lake does not know; whether it did."""
    folder = settings.data_dir / "pipelines" / source
    if _is_known(folder, store, source):
        return False
    log.warning(
        "the lake %s does not hold what this machine last loaded of %s, so it is another one or an older state: %s is "
        "loaded again, as far as the source still has it. To keep all, copy the newer lake there, or correct "
        "DESTINATION__LAKE__BUCKET_URL",
        settings.lake.bucket_url,
        source,
        source,
    )
    if source == "spotify_export":
        (settings.data_dir / "inbox.json").unlink(missing_ok=True)
    if source == "spotify_api":
        _forget_plays(settings)
    shutil.rmtree(folder)  # last: it is what says that there is something to forget
    return True


def note_origin(settings: Settings, store: Store, source: str) -> None:
    """Note which package a memory came from, on a machine that has loaded none of the source itself."""
    folder = settings.data_dir / "pipelines" / source
    loaded = folder / "load" / "loaded"
    has_loaded = loaded.is_dir() and any(os.scandir(loaded))
    if _origin(folder) or has_loaded or not (folder / "state.json").exists():
        return
    packages = (name.rpartition("__")[2].removesuffix(".jsonl") for name in store.walk(f"{source}/_dlt_loads"))
    write_whole(folder / ORIGIN, max(packages, key=float, default="").encode())


def _origin(folder: Path) -> str | None:
    note = folder / ORIGIN
    return note.read_text() if note.exists() else None


def _is_known(folder: Path, store: Store, source: str) -> bool:
    origin = _origin(folder)
    newest = _newest_loaded(folder) or origin
    if origin == "" and not newest:
        return True
    if newest:
        return store.read(f"{source}/_dlt_loads/{source}__{newest}.jsonl") is not None
    # a memory that came from a lake; what waits is the first package, for a lake that has nothing yet
    has_memory = (folder / "state.json").exists() and not waits(folder)
    return not has_memory or store.read(f"{source}/init") is not None


def _newest_loaded(folder: Path) -> str | None:
    loaded = folder / "load" / "loaded"
    names = sorted(os.listdir(loaded), key=float, reverse=True) if loaded.is_dir() else []  # noqa: PTH208 - years of polls
    return next((name for name in names if _is_whole(loaded / name / "package_completed.json")), None)


def _is_whole(mark: Path) -> bool:
    return mark.exists() and mark.read_text() == "loaded"  # else aborted


def _forget_plays(settings: Settings) -> None:
    from sources.spotify_api.journal import Journal

    path = journal_folder(settings) / "spotify_api.jsonl"
    if path.exists():
        Journal(path).append({"event": "lake_lost"})
