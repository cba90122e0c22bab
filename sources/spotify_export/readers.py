"""The rows of planned files: read here, or ahead of their turn by a process per core.

Parsing JSON and judging rows is Python, which a process does on one core. A large import is read by processes of their
own, a few files ahead, and gives the same rows in the same order. They end with the process that they read for, however
it ends; when one of them is ended instead (out of memory), the rest is read here.

Data flow: Planned files -> (table, arrow table) pairs, and a FileReport at the end of each file.
"""

import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from types import TracebackType

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

Whole = tuple[list[Part], FileReport]


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
        is_worth = count > 1 and sum(member.size for member, _ in self._ahead) >= WORTH
        self._pool = _pool(count) if is_worth else None
        self._at_once = count + 1

    def __enter__(self) -> "Readers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archives.__exit__(kind, error, trace)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def read(self, each: Planned) -> Generator[Part, None, FileReport]:
        """Yields a file's rows, as `read.read` and `read.refuse` do, and returns its report."""
        if not isinstance(each.file, Member):
            return (yield from refuse(each.file, each.file_id, each.file.reason))
        whole = self._whole(each.file_id)
        if whole is None:
            return (yield from read(self._archives, each.file, each.file_id, keep_place=self._keep_place))
        parts, report = whole
        yield from parts
        return report

    def _whole(self, file_id: str) -> Whole | None:
        try:
            self._begin()
            future = self._begun.pop(file_id, None)
            return future.result() if future else None
        except BrokenProcessPool:
            log.warning("a process that reads was ended by the machine; this one reads the rest")
            self._pool = None
            self._begun.clear()
            return None

    def _begin(self) -> None:
        # a terminal interrupts the whole group: a process begins deaf to it, and its parent says what happened
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while self._pool is not None and self._ahead and len(self._begun) < self._at_once:
                member, file_id = self._ahead.popleft()
                self._begun[file_id] = self._pool.submit(_read_whole, member, file_id, self._keep_place)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pool(count: int) -> ProcessPoolExecutor | None:
    try:
        # not forked: dlt's and DuckDB's threads would leave their locks behind
        return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_stand_by)
    except (OSError, NotImplementedError):  # a machine without shared memory has no semaphores
        return None


def _stand_by() -> None:
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _read_whole(member: Member, file_id: str, keep_place: bool) -> Whole:
    parts: list[Part] = []
    with Archives() as archives:
        rows = read(archives, member, file_id, keep_place=keep_place)
        while True:
            try:
                parts.append(next(rows))
            except StopIteration as end:
                return parts, end.value
