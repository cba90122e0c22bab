"""Files that a power cut leaves as they are: a write that has returned may still be in memory alone."""

import os
from contextlib import suppress
from pathlib import Path


def to_disk(path: Path) -> None:
    """Force a file's bytes to disk, and the names that lead to it: its folder may be new as well."""
    _sync(path)
    for folder in (path.parent, path.parent.parent):
        with suppress(OSError):  # some file systems know no sync of a folder
            _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
