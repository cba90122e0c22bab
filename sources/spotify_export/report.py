"""What an import did, per file, and the table that a person reads.

Data flow: FileReports -> ImportReport -> text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

_REASON = re.compile(r"(?:^|, )([\d,]+) x ")
_COUNTS = ("rows", "music", "podcasts", "audiobooks", "video", "incognito", "rejected")


@dataclass(frozen=True)
class Counts:
    """Rows of a file by what they are; the parts add up to `rows`, and an incognito row is only that."""

    rows: int = 0
    music: int = 0
    podcasts: int = 0
    audiobooks: int = 0
    video: int = 0
    incognito: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True)
class FileReport:
    """One file of an import.

    Attributes:
        archive: The zip, below the path that was given; else the folder or file that was given.
        file: Name inside it.
        file_id: The sha256 of its content; empty when it could not be read.
        feed: `extended`, `account`, `lastfm`, `listenbrainz` or `unknown`.
        counts: Its rows; all zero when it was not read.
        is_known: It is in the lake already.
        is_companion: It comes along with an export and holds no listening history.
        note: Why rows of it were rejected; empty when none was.
        problem: Why the file could not be read, in one sentence; empty when it could.
    """

    archive: str
    file: str
    file_id: str = ""
    feed: str = "unknown"
    counts: Counts = field(default_factory=Counts)
    is_known: bool = False
    is_companion: bool = False
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ImportReport:
    """A whole import.

    Attributes:
        files: Every file that was looked at, in order.
        is_dry_run: Nothing was loaded.
        seconds: Wall time.
        load_ids: Load packages that hold the new rows.
    """

    files: tuple[FileReport, ...] = ()
    is_dry_run: bool = False
    seconds: float = 0.0
    load_ids: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        return sum((report.counts for report in self.files), Counts())

    @property
    def new_files(self) -> int:
        """Files that were read to their end and were not in the lake before."""
        return sum(1 for each in self.files if not (each.is_known or each.is_companion or each.problem))

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for every file that could not be read."""
        return tuple(f"{where(each)}: {each.problem}." for each in self.files if each.problem)

    @property
    def new_problems(self) -> tuple[str, ...]:
        """The same without the files that an earlier import told of already."""
        return tuple(f"{where(each)}: {each.problem}." for each in self.files if each.problem and not each.is_known)


def where(report: FileReport) -> str:
    """A file's place, for a line of text."""
    if not report.file or report.file == report.archive:
        return report.archive
    return f"{report.archive} > {report.file}"


def render(report: ImportReport) -> str:
    """The report as a table, the balance, and a line for each file with wrong rows; problems are told apart from it."""
    shown = [each for each in report.files if each.counts.rows or (each.is_known and not each.problem)]
    notes = [f"{where(each)}: rejected {each.note}{_more(each)}." for each in report.files if each.note]
    parts = [_table(shown) if shown else "", _balance(report), *notes, _rejects(report), _companions(report.files)]
    return "\n".join(part for part in parts if part)


def _more(report: FileReport) -> str:
    """What the note, which has the commonest reasons, leaves out."""
    more = report.counts.rejected - sum(int(count.replace(",", "")) for count in _REASON.findall(report.note))
    return f"; {more:,} more for other reasons" if more > 0 else ""


def _rejects(report: ImportReport) -> str:
    if report.is_dry_run or not report.counts.rejected:
        return ""
    return "Every rejected row and its reason: bronze.spotify_export__rejects, from the next build on."


def _table(reports: Sequence[FileReport]) -> str:
    head = ("file", "feed", *_COUNTS, "")
    body = [_cells(each) for each in reports]
    widths = [max(len(row[at]) for row in (head, *body)) for at in range(len(head))]
    return "\n".join(_line(row, widths) for row in (head, tuple("-" * width for width in widths), *body))


def _cells(report: FileReport) -> tuple[str, ...]:
    name = report.file.rpartition("/")[2] or report.archive
    if report.is_known:
        return (name, report.feed, *("" for _ in _COUNTS), "known already")
    return (name, report.feed, *(f"{getattr(report.counts, each):,}" for each in _COUNTS), "")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = (
        cell.ljust(width) if at < 2 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(texts).rstrip()


def _balance(report: ImportReport) -> str:
    counts = report.counts
    known = sum(1 for each in report.files if each.is_known)
    rows, *parts = (_number(getattr(counts, name), name) for name in _COUNTS)
    told = f", {known:,} known already" if known else ""
    verb = "would be loaded (dry run: nothing was)" if report.is_dry_run else "loaded"
    files = _number(report.new_files, "new files")
    return f"{files} {verb}{told}: {rows} = {' + '.join(parts)}; {report.seconds:.1f} s"


def _number(count: int, things: str) -> str:
    return f"{count:,} {things.removesuffix('s') if count == 1 else things}"


def _companions(reports: Sequence[FileReport]) -> str:
    names = [each.file.rpartition("/")[2] for each in reports if each.is_companion]
    return f"Beside it, without listening history: {', '.join(names)}." if names else ""
