"""Files that stand for many: what `compact` wrote beside bronze, and which committed files each stands for.

A merged file stands for all committed files of a table between two load ids, so the list stays short however
many files there are. It counts only while a digest of their names agrees: a package that was committed late, or
is gone, sends readers back to the files themselves. Nothing here is needed: deleting the folder costs time alone.

Data flow: _compacted/list.json, listing of _compacted/ -> Merged -> the paths that a reader opens
"""

import hashlib
import json
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from pipelines.committed import File
from pipelines.store import Store

log = logging.getLogger("lakehouse.merged")
FOLDER = "_compacted"
LIST = f"{FOLDER}/list.json"


@dataclass(frozen=True)
class Merged:
    """One file that stands for many.

    Attributes:
        path: Below the lake's root.
        view: The table's view name.
        first: Load id of the oldest file that it stands for.
        last: Load id of the newest.
        names: Digest of the names of all files of the table between the two.
    """

    path: str
    view: str
    first: str
    last: str
    names: str
    bytes: int


@dataclass(frozen=True)
class Piece:
    """What is read for a stretch of load packages: one merged file, or the files of one package."""

    files: tuple[File, ...]
    paths: tuple[str, ...]
    bytes: int


def read_list(store: Store) -> tuple[Merged, ...]:
    """The merged files that are there, whole."""
    listed, _ = _list(store)
    sizes = store.walk(FOLDER) if listed else {}
    return tuple(merged for merged in listed if sizes.get(merged.path) == merged.bytes)


def read_retired(store: Store) -> set[str]:
    """Paths of merged files that an open reader may still use, though the list does not name them any more."""
    _, retired = _list(store)
    return retired


def _list(store: Store) -> tuple[list[Merged], set[str]]:
    content = store.read(LIST)
    if content is None:
        return [], set()
    try:
        told = json.loads(content)
        return [Merged(**entry) for entry in told["merged"]], set(told["retired"])
    except (ValueError, KeyError, TypeError):
        log.warning("%s/%s cannot be read: the files themselves are, until the next compact", store.root, LIST)
        return [], set()


def write_list(store: Store, merged: Iterable[Merged], retired: Iterable[str]) -> None:
    """Make merged files what readers open, in one step."""
    content = {"merged": [asdict(each) for each in merged], "retired": sorted(retired)}
    store.write(LIST, json.dumps(content, indent=1).encode())


def digest(files: Iterable[File]) -> str:
    """Digest of the names of files."""
    names = sorted(PurePosixPath(file.path).name for file in files)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def pieces(files: Sequence[File], merged: Iterable[Merged], root: str) -> list[Piece]:
    """What stands for a table's files, oldest first; every file is in exactly one piece.

    Args:
        files: Committed files of one table, oldest load first.
        merged: Merged files of this table.
        root: The lake's root.
    """
    loads = [file.load_id for file in files]
    found: list[Piece] = []
    at = 0
    for each in sorted(merged, key=lambda each: each.first):
        start, end = bisect_left(loads, each.first), bisect_right(loads, each.last)
        inside = tuple(files[start:end])
        if start >= at and inside and digest(inside) == each.names:
            found += [*_packages(files[at:start]), Piece(inside, (f"{root}/{each.path}",), each.bytes)]
            at = end
    return [*found, *_packages(files[at:])]


def _packages(files: Sequence[File]) -> list[Piece]:
    by_load: dict[str, list[File]] = {}
    for file in files:
        by_load.setdefault(file.load_id, []).append(file)
    return [
        Piece(tuple(held), tuple(file.path for file in held), sum(file.bytes for file in held))
        for held in by_load.values()
    ]
