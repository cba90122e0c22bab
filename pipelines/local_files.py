"""A folder as dlt writes to it: a finished file gets a second name in the lake instead of being copied.

Lake and working folder mostly lie on one disk, where a name costs nothing and is there whole or not at all, while a
copy takes two seconds a gigabyte and its room twice. Elsewhere it is copied, as fsspec does. dlt then drops its own
name (`delete_completed_jobs` in .dlt/config.toml). What is written is on disk before dlt goes on: a source forgets
what it knows to be in the lake, and a power cut must not prove it wrong.

Data flow: dlt's load package -> LocalFiles -> folder
"""

from pathlib import Path
from typing import Any

from fsspec import register_implementation
from fsspec.implementations.local import LocalFileSystem

from sources.durable import to_disk


class LocalFiles(LocalFileSystem):  # type: ignore[misc]
    """A folder's files, linked where the disk allows it."""

    def put_file(self, path1: str, path2: str, callback: Any = None, **kwargs: Any) -> None:
        """Bring a file into the folder, in place of one that a killed run left."""
        given, wanted = Path(self._strip_protocol(path1)), Path(self._strip_protocol(path2))
        try:
            if not (wanted.exists() and wanted.samefile(given)):
                wanted.unlink(missing_ok=True)
                wanted.hardlink_to(given)
        except OSError:
            # another disk, or one without links
            super().put_file(path1, path2, callback=callback, **kwargs)
        to_disk(wanted)

    def write_text(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Write one of dlt's own entries, such as that which commits a package."""
        super().write_text(path, *args, **kwargs)
        to_disk(Path(self._strip_protocol(path)))


def register() -> None:
    """Let whoever opens `file://` through fsspec, which is dlt, get this one."""
    register_implementation("file", LocalFiles, clobber=True)
