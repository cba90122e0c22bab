"""Files to import: found in folders, inside zips, or given by name.

A zip is read where it lies: nothing is unpacked to disk, so a member called `../../.profile` is a text and no path.
What cannot be read safely (encrypted members, zips inside zips, zip bombs, damaged archives) is a `Refusal`: one line
for the person, and the other files go on. `Archives` keeps the archive that is being read open.

Data flow: paths -> Members and Refusals -> blocks of bytes.
"""

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sources.problem import UsageProblem
from sources.spotify_export.privacy import clean_name

BLOCK = 4 << 20
ZIP_MARK = b"PK\x03\x04"
NESTED = "it is an archive inside an archive: unpack it and import it by itself"
_UNFINISHED = (".part", ".crdownload", ".tmp", ".download")


@dataclass(frozen=True)
class Limits:
    """What an archive may ask of this machine.

    Attributes:
        members: Most files in one archive.
        member_bytes: Largest file inside an archive, unpacked.
        archive_bytes: Largest sum of all files inside an archive, unpacked.
        ratio: Largest ratio of unpacked to packed size, for files beyond `ratio_from` bytes.
    """

    members: int = 5_000
    member_bytes: int = 2 << 30
    archive_bytes: int = 16 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20


@dataclass(frozen=True)
class Member:
    """One file to read.

    Attributes:
        path: The file on disk: the file itself, or the zip that holds it.
        archive: Name of the zip below the path that was given (two zips of one name are two archives), or of the
            folder or file that was given, cleaned.
        name: Name inside it, cleaned.
        size: Bytes, unpacked.
        weight: Bytes on disk, for the progress bar.
        index: Position inside the zip; None for a plain file.
    """

    path: Path
    archive: str
    name: str
    size: int
    weight: int
    index: int | None = None


@dataclass(frozen=True)
class Refusal:
    """A file that is not read, and why: one sentence that a person understands."""

    path: Path
    archive: str
    name: str
    weight: int
    reason: str


class UnreadableError(Exception):
    """A file turned out to be damaged while it was read; the message is for a person."""


class Archives:
    """Opens zips, and keeps the last one open for its members."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> "Archives":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        if self._zip is not None:
            self._zip.close()
        self._path = self._zip = None

    def open(self, path: Path) -> zipfile.ZipFile:
        if self._zip is None or self._path != path:
            self.close()
            self._zip, self._path = zipfile.ZipFile(path), path
        return self._zip

    def blocks(self, member: Member, size: int = BLOCK) -> Iterator[bytes]:
        """Yields a member's bytes.

        Raises:
            UnreadableError: The file is damaged, or cannot be read.
        """
        try:
            if member.index is None:
                yield from _file_blocks(member.path, size)
            else:
                yield from self._zip_blocks(member.path, member.index, size)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UnreadableError("it is damaged inside the archive: download the archive again") from error
        except (NotImplementedError, RuntimeError) as error:
            raise UnreadableError(
                "it is packed in a way that cannot be read here: unpack it and import the folder"
            ) from error
        except OSError as error:
            raise UnreadableError(f"it cannot be read ({error.strerror or 'input/output error'})") from error

    def _zip_blocks(self, path: Path, index: int, size: int) -> Iterator[bytes]:
        archive = self.open(path)
        with archive.open(archive.infolist()[index]) as file:
            while block := file.read(size):
                yield block

    def digest(self, member: Member) -> str:
        """The sha256 of a member's content: its `file_id`.

        Raises:
            UnreadableError: The file is damaged, or cannot be read.
        """
        content = hashlib.sha256()
        for block in self.blocks(member, 1 << 20):
            content.update(block)
        return content.hexdigest()


def _file_blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(size):
            yield block


def files(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yields every regular file under the given paths, sorted, with the path that it was found under.

    Raises:
        UsageProblem: A path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"There is nothing to import at {path}: give a zip, a folder or a file that exists.")
        if not path.is_dir():
            yield path, path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
            yield from ((Path(folder, name), path) for name in sorted(names) if _is_wanted(folder, name))


def _is_wanted(folder: str, name: str) -> bool:
    is_hidden = name.startswith(".") or name.lower().endswith(_UNFINISHED) or name in ("Thumbs.db", "desktop.ini")
    return not is_hidden and stat.S_ISREG(Path(folder, name).stat().st_mode)


def members(archives: Archives, path: Path, given: Path, limits: Limits) -> Iterator[Member | Refusal]:
    """Yields what one file holds: itself, or the members of a zip.

    Args:
        archives: Opens zips.
        path: The file.
        given: The path that the person named: the file itself, or a folder above it.
        limits: What an archive may ask for.
    """
    archive = clean_name((given if given.is_dir() else path).name)
    name = clean_name(path.relative_to(given).as_posix() if given != path else path.name)
    try:
        size, is_zip = path.stat().st_size, _is_zip(path)
    except OSError as error:
        yield Refusal(path, archive, name, 0, f"it cannot be read ({error.strerror})")
        return
    if is_zip and size:
        yield from _zip_members(archives, path, name, limits)
    elif size:
        yield Member(path, archive, name, size, size)
    else:
        yield Refusal(path, archive, name, size, "it is empty")


def _is_zip(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return True
    with path.open("rb") as file:
        return file.read(len(ZIP_MARK)) == ZIP_MARK


def _zip_members(archives: Archives, path: Path, name: str, limits: Limits) -> Iterator[Member | Refusal]:
    size = path.stat().st_size
    try:
        infos = archives.open(path).infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        yield Refusal(path, name, "", size, "it is no zip, or cut off: download it again")
        return
    if len(infos) > limits.members or sum(info.file_size for info in infos) > limits.archive_bytes:
        yield Refusal(
            path,
            name,
            "",
            size,
            f"it unpacks to {len(infos):,} files of "
            f"{sum(info.file_size for info in infos) >> 20:,} MB: that is no listening history, but a zip bomb",
        )
        return
    for index, info in enumerate(infos):
        if not info.is_dir() and not _is_clutter(info.filename):
            yield _zip_member(path, name, index, info, limits)


def _is_clutter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _zip_member(path: Path, archive: str, index: int, info: zipfile.ZipInfo, limits: Limits) -> Member | Refusal:
    name = clean_name(info.filename)
    reason = _reason_against(info, limits)
    if reason:
        return Refusal(path, archive, name, info.compress_size, reason)
    return Member(path, archive, name, info.file_size, info.compress_size, index)


def _reason_against(info: zipfile.ZipInfo, limits: Limits) -> str:
    if info.flag_bits & 0x1:
        return "it is encrypted: unpack the archive with its password and import the folder"
    if info.filename.lower().endswith((".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz")):
        return NESTED
    is_bomb = info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1)
    if is_bomb or info.file_size > limits.member_bytes:
        return f"it unpacks from {info.compress_size:,} to {info.file_size:,} bytes: that is a zip bomb"
    return "" if info.file_size else "it is empty"
