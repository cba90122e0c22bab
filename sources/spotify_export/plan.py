"""What an import has to read: every file, hashed, and told apart from what the lake holds already.

A small JSON file remembers which files a path held when it had a given size and modification time, so that a quiet
look into the inbox opens nothing. It is a cache: deleting it costs time alone.

Data flow: paths -> Planned files (new, known or refused).
"""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from sources.spotify_export.layout import is_companion
from sources.spotify_export.members import Archives, Limits, Member, Refusal, UnreadableError, files, members
from sources.spotify_export.report import FileReport

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all, and the name of the file at hand; bytes as they lie on disk."""


@dataclass(frozen=True)
class Planned:
    """One file: to be read (member), refused (refusal), or known already; `source` is the path that holds it."""

    source: Path
    file_id: str
    file: Member | Refusal
    known: FileReport | None = None


@dataclass
class Memory:
    """What paths held when they were last looked at.

    Attributes:
        path: The JSON file; None to remember nothing.
        seen: Reports by path, with the size and time of modification (ns) that they hold for.
        stamps: Size and time of modification by path, noted before the path is read: it may grow meanwhile.
    """

    path: Path | None
    seen: dict[str, dict[str, object]] = field(default_factory=dict)
    stamps: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None) -> "Memory":
        try:
            return cls(path, json.loads(path.read_text())) if path else cls(None)
        except (OSError, ValueError):
            return cls(path)

    def recall(self, path: Path, known: Collection[str]) -> list[FileReport] | None:
        """Reports on what a path holds, if it has not changed and the lake holds all of it."""
        name = str(path.absolute())
        self.stamps[name] = _stamp(path)
        entry = self.seen.get(name)
        if not entry or entry["stamp"] != self.stamps[name]:
            return None
        reports = [FileReport(**report) for report in entry["files"]]  # type: ignore[attr-defined]
        is_all_known = all(report.is_companion or report.file_id in known for report in reports)
        return reports if is_all_known else None

    def remember(self, path: Path, reports: Iterable[FileReport]) -> None:
        kept = ("archive", "file", "file_id", "feed", "is_companion", "note", "problem")
        files = [{key: value for key, value in asdict(report).items() if key in kept} for report in reports]
        name = str(path.absolute())
        self.seen[name] = {"stamp": self.stamps[name], "files": files}

    def save(self) -> None:
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps({path: entry for path, entry in self.seen.items() if Path(path).exists()}))
            fresh.replace(self.path)


def _stamp(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan(
    paths: Iterable[Path], known: Collection[str], memory: Memory, *, limits: Limits, progress: Progress
) -> Iterator[Planned]:
    """Yields every file under the paths, hashed; the same content twice is known the second time.

    Raises:
        UsageProblem: A path does not exist.
    """
    found = list(files(paths))
    sizes = [_stamp(path)[0] for path, _ in found]
    recalled = [memory.recall(path, known) for path, _ in found]
    done = 0
    seen = set(known)
    with _Hashers() as hashers:
        begun = [
            hashers.begin(path, given, limits) if reports is None else _recalled(path, reports)
            for (path, given), reports in zip(found, recalled, strict=True)
        ]
        for (path, _), size, held in zip(found, sizes, begun, strict=True):
            for planned in held:
                yield _or_known(planned, known, seen)
                seen.add(planned.file_id)
            done += size
            progress(done, sum(sizes), path.name)


def _or_known(planned: Planned, known: Collection[str], seen: Collection[str]) -> Planned:
    if planned.known or planned.file_id not in seen:
        return planned
    file = planned.file
    again = is_companion(file.name) and planned.file_id not in known
    report = FileReport(file.archive, file.name, planned.file_id, is_known=not again, is_companion=again)
    return Planned(planned.source, planned.file_id, file, report)


def _recalled(path: Path, reports: Iterable[FileReport]) -> Iterator[Planned]:
    for report in reports:
        known = FileReport(**{**asdict(report), "counts": report.counts, "is_known": not report.is_companion})
        yield Planned(path, report.file_id, Refusal(path, report.archive, report.file, 0, report.problem), known)


class _Opened(threading.local):
    """The archive that a thread has open: each its own."""

    def __init__(self) -> None:
        self.archives = Archives()


class _Hashers:
    """Hashes in threads: neither sha256 nor inflating holds Python's lock."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(cores())
        self._opened = _Opened()

    def __enter__(self) -> "_Hashers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, path: Path, given: Path, limits: Limits) -> Iterator[Planned]:
        with Archives() as archives:
            held = list(members(archives, path, given, limits))
        return self._pool.map(partial(self._planned, path), held)

    def _planned(self, path: Path, each: Member | Refusal) -> Planned:
        if isinstance(each, Refusal):
            return _refused(path, each, each.reason)
        try:
            return Planned(path, self._opened.archives.digest(each), each)
        except UnreadableError as error:
            return _refused(path, each, str(error))


def _refused(path: Path, each: Member | Refusal, reason: str) -> Planned:
    refusal = Refusal(path, each.archive, each.name, each.weight, reason)
    if is_companion(each.name):
        return Planned(path, "", refusal, FileReport(each.archive, each.name, is_companion=True))
    return Planned(path, _refusal_id(path, each.name), refusal)


def _refusal_id(path: Path, name: str) -> str:
    """Id of a file whose content cannot be read: the content of what holds it, and its name."""
    digest = hashlib.sha256(name.encode())
    with contextlib.suppress(OSError), path.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
