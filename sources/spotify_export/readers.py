"""The rows of planned files: read here, or ahead of their turn by processes, one per core.

Parsing JSON and judging rows is Python, which a process does on one core. A large import is read by up to four
processes of their own, a few files ahead, and gives the same rows in the same order. Rows travel in files: who is ended
while it writes megabytes into a pipe leaves its reader waiting for ever. The processes end with the one that they read
for, however it ends; when one of them is ended (out of memory), or none can be started, the rest is read here.

Data flow: Planned files -> (table, arrow table) pairs, and a FileReport at the end of each file.
"""

import logging
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from threading import Thread
from types import TracebackType

import pyarrow as pa

from sources.spotify_export.members import Archives, Member
from sources.spotify_export.plan import Planned, cores
from sources.spotify_export.read import Part, read, refuse
from sources.spotify_export.report import FileReport

log = logging.getLogger("lakehouse.spotify_export")

WORTH = 256 << 20
"""Unpacked bytes of an import from which on processes gain more than their start takes, a second each."""

HELD = 64 << 20
"""Largest file, unpacked, whose rows are held at once; Spotify's have 12 MB. A larger one is read here, in blocks."""

MOST = 4
"""Most processes: what they read is written by one."""

Whole = tuple[Path, list[str], FileReport]
"""Where the rows of a file lie, part by part; the table of each part; the report."""


class Readers:
    """Reads planned files in their order, each once.

    Args:
        planned: The files that will be asked for.
        keep_place: Whether country and platform stay as they came.
    """

    def __init__(self, planned: Iterable[Planned], *, keep_place: bool) -> None:
        members = [(each.file, each.file_id) for each in planned if isinstance(each.file, Member)]
        self._keep_place = keep_place
        self._archives = Archives()
        self._ahead = deque(each for each in members if each[0].size <= HELD)
        self._begun: dict[str, Future[Whole]] = {}
        count = min(cores(), MOST, len(self._ahead))
        self._count = count if sum(member.size for member, _ in self._ahead) >= WORTH else 0
        self._folder: Path | None = None
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Readers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archives.close()
        self._end()

    def read(self, each: Planned) -> Generator[Part, None, FileReport]:
        """Yields a file's rows, as `read.read` and `read.refuse` do, and returns its report.

        Raises:
            UnreadableError: The file cannot be read to its end here either.
        """
        if not isinstance(each.file, Member):
            return (yield from refuse(each.file, each.file_id, each.file.reason))
        whole = self._whole(each.file_id)
        if whole is None:
            return (yield from read(self._archives, each.file, each.file_id, keep_place=self._keep_place))
        place, tables, report = whole
        yield from _taken(place, tables)
        return report

    def _whole(self, file_id: str) -> Whole | None:
        try:
            self._begin()
            future = self._begun.pop(file_id, None)
            return future.result() if future else None
        except Exception as error:  # whatever it is: what is wrong with a file shows when it is read here
            log.warning("no process reads ahead any more (%s); this one reads the rest", type(error).__name__)
            self._count = 0
            self._begun.clear()
            self._end()
            return None

    def _begin(self) -> None:
        if self._count < 2:
            return
        folder = self._folder = self._folder or Path(tempfile.mkdtemp(prefix="lakehouse-readers-"))
        pool = self._pool = self._pool or _pool(self._count, folder)
        # a terminal interrupts the whole group: a process begins deaf to it, and its parent says what happened
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while self._ahead and len(self._begun) <= self._count:
                member, file_id = self._ahead.popleft()
                self._begun[file_id] = pool.submit(_read_whole, member, file_id, self._keep_place, folder / file_id)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _pool(count: int, folder: Path) -> ProcessPoolExecutor:
    # not forked: dlt's and DuckDB's threads would leave their locks behind
    spawned = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, spawned, initializer=_stand_by, initargs=(folder,))


def _stand_by(folder: Path) -> None:
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()


def _end_with_parent(folder: Path) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


def _read_whole(member: Member, file_id: str, keep_place: bool, place: Path) -> Whole:
    tables: list[str] = []
    with Archives() as archives, pa.OSFile(str(place), "wb") as sink:
        parts = read(archives, member, file_id, keep_place=keep_place)
        while True:
            try:
                table, rows = next(parts)
            except StopIteration as end:
                return place, tables, end.value
            with pa.ipc.new_stream(sink, rows.schema) as writer:
                writer.write_table(rows)
            tables.append(table)


def _taken(place: Path, tables: Iterable[str]) -> Iterator[Part]:
    with pa.OSFile(str(place)) as source:  # a mapped file's pages would stay for as long as a row of it waits
        for table in tables:
            yield table, pa.ipc.open_stream(source).read_all()
    place.unlink()
