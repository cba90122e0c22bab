"""Copies the folder of rules into bronze when it has changed, and makes a lost folder again from there.

Data flow: folder -> digest -> (dlt pipeline only when it differs) -> bronze; bronze -> folder on an empty machine
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sources.curation.rules import Folder, read_folder
from sources.pending import explained, finish

if TYPE_CHECKING:
    import dlt


def load_rules(pipeline: "Callable[[], dlt.Pipeline]", folder: Path, state: Path, *, again: bool = False) -> int:
    """Copy the rules if they differ from the last copy.

    Args:
        pipeline: Makes the dlt pipeline; called only when there may be something to copy.
        folder: The CSV files; a folder that is not there changes nothing.
        state: The pipeline's `state.json` on this machine, which saves a quiet run from making a pipeline.
        again: Copy them even if they are the last copy, since the lake has lost that.

    Returns:
        Rows written: one per line, or one marker for an emptied folder.
    """
    if not folder.is_dir():
        return 0
    found = read_folder(folder)
    known = _known(json.loads(state.read_text())) if state.exists() else None
    if found.digest == known and not again:
        return 0
    if known is None and not found.files and not state.exists() and not _was_copied(pipeline()):
        return 0
    return _copy(pipeline(), found, again=again)


def restore(files: Mapping[str, bytes], folder: Path) -> bool:
    """Make a folder that is missing or empty again, in one step: half of the rules would pass for all of them.

    Args:
        files: Content by name of the newest copy.
        folder: Where to; one that holds anything is left as it is.

    Returns:
        Whether anything was put back.
    """
    if not files or (folder.is_dir() and any(folder.iterdir())):
        return False
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name, content in files.items():
        (beside / Path(name).name).write_bytes(content)
    beside.replace(folder)
    return True


def _copy(pipeline: "dlt.Pipeline", found: Folder, *, again: bool) -> int:
    from sources.curation import curation

    with explained("the rules"):
        finish(pipeline)
        if _known(pipeline.state) == found.digest and not again:
            return 0
        pipeline.run(curation(found), loader_file_format="parquet").raise_on_failed_jobs()
    return max(len(found.rules), 1)


def _was_copied(pipeline: "dlt.Pipeline") -> bool:
    pipeline.sync_destination()
    return _known(pipeline.state) is not None


def _known(state: "object") -> str | None:
    sources = state.get("sources", {}) if isinstance(state, dict) else {}
    digest: str | None = sources.get("curation", {}).get("digest")
    return digest
