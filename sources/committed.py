"""Which load packages of a source the lake holds, read through a dlt pipeline's own file system.

dlt commits a package by its state file and then its entry in `_dlt_loads`, and prunes old state files; so a package is
committed when either is there. Data flow: dlt pipeline -> names of files -> load ids.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dlt

_PLACES = ("_dlt_loads", "_dlt_pipeline_state")
_NAME = re.compile(r"__(\d+\.\d+)(__[0-9a-f]+)?\.jsonl$")


def load_ids(pipeline: "dlt.Pipeline") -> set[str]:
    """Ids of the committed load packages; none where the lake has nothing of this source yet."""
    with pipeline.destination_client() as client:
        files: Any = client.fs_client  # type: ignore[attr-defined]
        names = [path for place in _PLACES for path in listed(files, client.get_table_dir(place))]  # type: ignore[attr-defined]
    return {match[1] for name in names if (match := _NAME.search(name))}


def listed(files: Any, folder: str) -> list[str]:
    """Paths of a folder's files, sorted; empty for a folder that is not there."""
    try:
        return sorted(files.find(folder))
    except FileNotFoundError:
        return []
