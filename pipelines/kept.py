"""Answers kept beside the digest of the files that they follow from, so that a quiet run asks nothing again.

A cache: deleting the file costs time alone.

Data flow: Snapshot -> digest of some views' files -> kept answer, or the answer computed anew
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipelines.lake import Snapshot
from pipelines.store import Folder


def kept(place: Path, snapshot: Snapshot, views: Iterable[str], compute: Callable[[], Any]) -> Any:
    """The answer to a question about some bronze tables.

    Args:
        place: The JSON file that keeps it.
        snapshot: The committed files.
        views: Tables that the answer follows from.
        compute: Finds the answer, as JSON can hold it; called only when a file came or went.
    """
    names = [file.path for view in views for file in snapshot.files.get(view, ())]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    try:
        known = json.loads(place.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        known = {}
    if known.get("digest") != digest:
        known = {"digest": digest, "answer": compute()}
        Folder(place.parent).write(place.name, json.dumps(known).encode())
    return known["answer"]
