"""Imports paths into bronze: plan, load what is new, report on all.

Data flow: paths -> plan -> spotify_export -> dlt pipeline -> ImportReport
"""

import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sources.pending import explained, finish
from sources.spotify_export.members import Limits, UnreadableError
from sources.spotify_export.plan import Memory, Planned, Progress, plan
from sources.spotify_export.report import FileReport, ImportReport

if TYPE_CHECKING:
    import dlt

    from sources.spotify_export.readers import Readers


def quiet(_done: int, _total: int, _name: str) -> None:
    """Shows no progress."""


def import_paths(
    make_pipeline: "Callable[[], dlt.Pipeline] | None",
    paths: Iterable[Path],
    known_file_ids: Collection[str] = (),
    keep_place: bool = False,
    progress: Progress = quiet,
    *,
    memory: Path | None = None,
    limits: Limits | None = None,
    again: Collection[str] = (),
) -> ImportReport:
    """Imports everything under some paths.

    Args:
        make_pipeline: Makes the dlt pipeline of this source, called only when a file is new; None for a dry run, which
            reads and reports everything, and loads nothing.
        paths: Zips, folders and files.
        known_file_ids: `file_id` of every file that the lake holds in committed load packages.
        keep_place: Whether country and platform stay as they came.
        progress: Called as bytes are read.
        memory: Where to remember unchanged paths (the inbox); None to look into every file.
        limits: What an archive may ask of this machine; None for the defaults.
        again: `file_id` of files that were loaded, and whose rows the lake has lost.

    Returns:
        A report on every file.

    Raises:
        UsageProblem: A path does not exist.
        Problem: The load failed, or a file could not be read to its end any more; nothing of it counts.
    """
    started = time.monotonic()
    remembered = Memory.load(memory)
    planned = list(plan(paths, known_file_ids, remembered, limits=limits or Limits(), progress=progress))
    run = _Run(planned, progress, again)
    if make_pipeline is None:
        run.dry(keep_place=keep_place)
        return ImportReport(tuple(run.reports), is_dry_run=True, seconds=time.monotonic() - started)
    load_ids = run.load(make_pipeline, keep_place=keep_place)
    run.remember(remembered)
    return ImportReport(tuple(run.reports), seconds=time.monotonic() - started, load_ids=load_ids)


class _Run:
    """One import: the plan, and the reports on it in the plan's order."""

    def __init__(self, planned: list[Planned], progress: Progress, again: Collection[str]) -> None:
        self._planned = planned
        self._again = again
        self._progress = progress
        self._total = sum(each.file.weight for each in planned if not each.known)
        self._done = 0
        self._reports = {at: each.known for at, each in enumerate(planned) if each.known}
        self._at = {id(each): at for at, each in enumerate(planned)}

    @property
    def reports(self) -> list[FileReport]:
        return [self._reports[at] for at in sorted(self._reports)]

    @property
    def _new(self) -> list[Planned]:
        return [each for each in self._planned if not each.known]

    def _observe(self, each: Planned, report: FileReport) -> None:
        self._reports[self._at[id(each)]] = report
        self._done += each.file.weight
        self._progress(self._done, self._total, each.file.name)

    def dry(self, *, keep_place: bool) -> None:
        if not self._new:
            return
        from sources.spotify_export.readers import Readers

        with Readers(self._new, keep_place=keep_place) as readers:
            for each in self._new:
                self._observe(each, _read_only(readers, each))

    def load(self, make_pipeline: "Callable[[], dlt.Pipeline]", *, keep_place: bool) -> tuple[str, ...]:
        if not self._new:
            return ()
        from sources.spotify_export import spotify_export

        pipeline = make_pipeline()
        with explained("the history"):
            # dlt leaves new data unread while packages of a killed run wait, and says so in a warning alone
            finish(pipeline)
            info = pipeline.run(
                spotify_export(self._new, keep_place, self._observe, self._again), loader_file_format="parquet"
            )
            info.raise_on_failed_jobs()
        return tuple(info.loads_ids)

    def remember(self, memory: Memory) -> None:
        held: dict[Path, list[FileReport]] = {}
        for each, report in zip(self._planned, self.reports, strict=True):
            held.setdefault(each.source, []).append(report)
        for path, reports in held.items():
            memory.remember(path, reports)
        memory.save()


def _read_only(readers: "Readers", each: Planned) -> FileReport:
    parts = readers.read(each)
    while True:
        try:
            next(parts)
        except StopIteration as end:
            report: FileReport = end.value
            return report
        except UnreadableError as error:
            return FileReport(each.file.archive, each.file.name, each.file_id, problem=str(error))
