"""A lake that is not the one which this machine loaded: deleted, or named anew.

What a source remembers here (cursors, files known, plays kept) is true of one lake only. Where the lake holds nothing
of a source that this machine did load, that memory is dropped, so that everything which the source can still give is
loaded again; what the API counted and forbade is kept, since it is true whatever becomes of the lake.

Data flow: lake, data folder -> data folder without the memory of another lake
"""

import logging
import shutil
from pathlib import Path

from pipelines.listener import journal_folder
from pipelines.settings import Settings
from pipelines.store import Store

log = logging.getLogger("lakehouse.moved")


def forget_other_lake(settings: Settings, store: Store, source: str) -> bool:
    """Drop what this machine remembers of a source that the lake does not know; whether it did."""
    folder = settings.data_dir / "pipelines" / source
    if not _has_loaded(folder) or store.read(f"{source}/init") is not None:
        return False
    log.warning(
        "the lake %s holds nothing of %s, which this machine has loaded before: it is loaded again, as far as the "
        "source still has it. To keep all, copy the old lake there, or correct DESTINATION__LAKE__BUCKET_URL",
        settings.lake.bucket_url,
        source,
    )
    shutil.rmtree(folder)
    if source == "spotify_export":
        (settings.data_dir / "inbox.json").unlink(missing_ok=True)
    if source == "spotify_api":
        _forget_plays(settings)
    return True


def _has_loaded(folder: Path) -> bool:
    loaded = folder / "load" / "loaded"
    return loaded.is_dir() and any(loaded.iterdir())


def _forget_plays(settings: Settings) -> None:
    from sources.spotify_api.journal import Journal

    path = journal_folder(settings) / "spotify_api.jsonl"
    if path.exists():
        Journal(path).append({"event": "lake_lost"})
