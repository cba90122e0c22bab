"""Files that a power cut leaves as they are: a write that has returned may still be in memory alone."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file beside its place and rename it: whoever looks sees the old one or the new one, also after a cut.

    Args:
        path: Where it goes; its folder is made.
        content: All of it.
        mode: Permissions, less what the umask takes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        to_disk(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)  # half a file would keep its part of a full disk for ever
        raise
    to_disk(path)


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
