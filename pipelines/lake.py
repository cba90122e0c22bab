"""The lake: plain parquet in immutable load packages, and the snapshot of it that a build uses.

A file counts only when its load package is committed. dlt writes a package's state file before its entry in
`_dlt_loads`, and a restored pipeline goes on after the state; so a package is committed when either is there, and
`seal` adds the entry that a kill between the two left out. Torn files, orphans of a lost working folder and packages
that are still loading are never opened.

Data flow: settings -> dlt pipelines -> <bucket>/<source>/<table>/<load id>.<file id>.parquet -> Snapshot
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.committed import File, Loss
from pipelines.merged import Merged, Piece, pieces, read_list
from pipelines.settings import SOURCES, Settings
from pipelines.store import Store, addressing, open_store

if TYPE_CHECKING:
    import dlt

LOAD = re.compile(r"\d+\.\d+$")
log = logging.getLogger("lakehouse.lake")
DATA_FILE = re.compile(r"(?P<load>\d+\.\d+)\.[^.]+\.parquet$")
LOADS_ENTRY = re.compile(r"(?P<schema>.+)__(?P<load>\d+\.\d+)\.jsonl$")
STATE_ENTRY = re.compile(r"(?P<pipeline>.+)__(?P<load>\d+\.\d+)__[0-9a-f]+\.jsonl$")


@dataclass(frozen=True)
class Snapshot:
    """The committed files of every bronze table, taken at one moment.

    Attributes:
        files: Files by view name (`catalog__spotify_tracks`), oldest load first.
        losses: Files that should be there, and cannot be read.
        held: Files that are there, and wait for a person to accept their shape.
        merged: Files that compaction put beside bronze.
        root: The lake's root.
    """

    files: Mapping[str, tuple[File, ...]]
    losses: tuple[Loss, ...] = ()
    held: tuple[Loss, ...] = ()
    merged: tuple[Merged, ...] = ()
    root: str = ""

    @property
    def open_losses(self) -> tuple[Loss, ...]:
        """Losses that nothing has healed."""
        return tuple(loss for loss in self.losses if not loss.is_healed)

    @property
    def absent(self) -> tuple[Loss, ...]:
        """All that a build is made without: the sources gave it, and `files` do not have it."""
        return (*self.losses, *self.held)

    def lost(self, source: str) -> tuple[Loss, ...]:
        """Open losses of a source."""
        return tuple(loss for loss in self.open_losses if loss.table.startswith(f"{source}__"))

    @cached_property
    def digest(self) -> str:
        """Hex digest of the file list and of what is absent: equal lists, equal lakes, since files never change."""
        names = sorted(f"{view}/{Path(file.path).name}" for view, files in self.files.items() for file in files)
        names += sorted(f"-{loss.path} {loss.is_healed}" for loss in self.absent)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def pieces(self, view: str) -> list[Piece]:
        """What is read for a view: merged files, and the packages that none stands for; oldest first."""
        merged = [each for each in self.merged if each.view == view]
        return pieces(self.files.get(view, ()), merged, self.root)

    def paths(self, view: str) -> list[str]:
        """Paths to read for a view, oldest load first."""
        return [path for piece in self.pieces(view) for path in piece.paths]


def pipeline_for(settings: Settings, source: str) -> "dlt.Pipeline":
    """The dlt pipeline of a source: source, dataset and pipeline have one name."""
    import dlt

    export_destination(settings)
    if settings.lake.is_local:
        from pipelines.local_files import register
    else:
        from pipelines.bucket_files import register
    register()
    _never_before(_newest_load(settings, source))
    return dlt.pipeline(
        pipeline_name=source,
        destination="lake",
        dataset_name=source,
        pipelines_dir=str(settings.data_dir / "pipelines"),
    )


def export_destination(settings: Settings) -> None:
    """Put the lake's place where dlt and its dashboard look for it: they know settings only, not code."""
    url = settings.lake.bucket_url
    os.environ["DESTINATION__LAKE__BUCKET_URL"] = settings.lake.folder.as_uri() if settings.lake.is_local else url
    if style := addressing(settings.lake):
        import dlt

        # dlt has a setting of its own for these, and drops what it says
        given = dlt.config.get("destination.lake.kwargs", dict) or {}
        config = {**given.get("config_kwargs", {}), "s3": style}
        os.environ["DESTINATION__LAKE__KWARGS"] = json.dumps({**given, "config_kwargs": config})


def _newest_load(settings: Settings, source: str) -> float:
    """The greatest load id in the lake, and in packages that wait here; 0 where there is none."""
    store = open_store(settings.lake)
    entries = [name for folder in ("_dlt_loads", "_dlt_pipeline_state") for name in store.walk(f"{source}/{folder}")]
    waiting = (settings.data_dir / "pipelines" / source).glob("*/*/*.*")
    loads = [*map(float, _committed(source, entries)), *(float(path.name) for path in waiting if LOAD.match(path.name))]
    return max(loads, default=0.0)


def _never_before(newest: float) -> None:
    """Let the next load id follow all others: silver takes the newest rows by it, and a clock may have been set back.

    dlt's ids are times that never run backwards within a process; this goes on where other processes ended.
    """
    from dlt.common.time import increasing_precise_time

    if newest > time.time():
        log.warning("this clock is %d s behind the lake's newest load package: set it right", newest - time.time())
    increasing_precise_time._last = max(increasing_precise_time._last, newest)


def take_snapshot(store: Store) -> Snapshot:
    """List the committed files of all bronze tables."""
    found: dict[str, list[File]] = {}
    for source in SOURCES:
        listing = store.walk(source)
        committed = _committed(source, listing)
        for path, size in listing.items():
            table, _, name = path.removeprefix(f"{source}/").partition("/")
            match = DATA_FILE.fullmatch(name)
            if match and match["load"] in committed and not table.startswith("_"):
                file = File(f"{store.root}/{path}", match["load"], size)
                found.setdefault(f"{source}__{table}", []).append(file)
    files = {view: tuple(sorted(files, key=_age)) for view, files in sorted(found.items())}
    return Snapshot(files, merged=read_list(store), root=store.root)


def seal(store: Store, source: str) -> None:
    """Write the `_dlt_loads` entry of every committed package that lacks one; dlt prunes old state files."""
    listing = store.walk(source)
    names = [path.removeprefix(f"{source}/") for path in listing]
    entered = {load for name in names if (load := _loads_entry(name))}
    for load in {load for name in names if (load := _state_entry(name))} - entered:
        entry = {
            "load_id": load,
            "schema_name": source,
            "status": 0,
            "inserted_at": datetime.now(UTC).isoformat(),
            "schema_version_hash": "",
        }
        store.write(f"{source}/_dlt_loads/{source}__{load}.jsonl", json.dumps(entry).encode())


def _committed(source: str, listing: Iterable[str]) -> set[str]:
    names = [path.removeprefix(f"{source}/") for path in listing]
    return {load for name in names if (load := _loads_entry(name) or _state_entry(name))}


def _loads_entry(name: str) -> str | None:
    match = LOADS_ENTRY.fullmatch(name.removeprefix("_dlt_loads/")) if name.startswith("_dlt_loads/") else None
    return match["load"] if match else None


def _state_entry(name: str) -> str | None:
    folder = "_dlt_pipeline_state/"
    match = STATE_ENTRY.fullmatch(name.removeprefix(folder)) if name.startswith(folder) else None
    return match["load"] if match else None


def _age(file: File) -> tuple[str, str]:
    return file.load_id, file.path
