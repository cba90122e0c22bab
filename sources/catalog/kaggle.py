"""The three CSV files of Kaggle's SpotGenTrack into the catalog database.

Every record is accounted for: loaded, or kept in `import_rejects` with file, line, reason and text. Importing again
changes nothing: only rows that really differ are written, so `updated_at` stands still. Lyrics are neither loaded nor
kept with a rejected row, and where a spoiled row does not show which of its cells are lyrics, its prose is withheld.

Data flow: spotify_{tracks,albums,artists}*.csv -> values -> the catalog database
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sources.catalog.database import explained, open_database
from sources.catalog.records import Record, read_header, read_records
from sources.catalog.schema import catalog_columns, create_tables
from sources.catalog.tables import CATALOG
from sources.catalog.upsert import Seen, Writer
from sources.catalog.values import KINDS, BadValue, convert
from sources.problem import Problem, UsageProblem
from sources.table import Table

BATCH = 4_000
LYRICS = "lyrics"
NAMELESS = re.compile(r"|Unnamed: \d+")
PLAIN_CELL = re.compile(r"[\w.:/%?=&+~-]*|\[('.*')?\]|\{'.*\}")

Progress = Callable[[str, int, int], None]
Values = tuple[object, ...]


@dataclass
class FileReport:
    """What became of one file.

    Attributes:
        file: Its name.
        table: The table that it went into.
        rows: Records without the header.
        loaded: Records that are in the table now.
        rejected: Records that are in `import_rejects` now.
        ignored: Columns of the file that are not loaded.
    """

    file: str
    table: str
    rows: int = 0
    loaded: int = 0
    rejected: int = 0
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What became of a folder of files.

    Attributes:
        files: One report for each file.
        missing: Tables for which the folder has no file.
    """

    files: tuple[FileReport, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """A file with the meaning of its columns."""

    path: Path
    table: Table
    header: list[str]
    cells: dict[str, int] = field(default_factory=dict)

    @property
    def lyrics(self) -> int | None:
        return self.header.index(LYRICS) if LYRICS in self.header else None


def import_catalog(url: str, folder: Path, progress: Progress = lambda _file, _done, _size: None) -> ImportReport:
    """Load the CSV files of a folder into the catalog database, which is made when it is empty.

    Args:
        url: SQLAlchemy URL of the database.
        folder: Where `spotify_tracks.csv`, `spotify_albums.csv` and `spotify_artists.csv` are; a suffix as in
            `spotify_artists_50.csv` is fine, and so are several files for one table (the first row of a key counts).
        progress: Told the file's name, the bytes done and the bytes in all.

    Raises:
        UsageProblem: The folder is missing or has none of the files.
        Problem: A file is not what its name says, or the database refuses.
    """
    sources = _find(folder)
    engine = open_database(url, create=True)
    try:
        create_tables(engine)
        with explained(engine, "Importing the catalog"):
            reports = []
            for table in CATALOG:
                seen = Seen()
                for source in (source for source in sources if source.table is table):
                    writer = Writer(engine, table, source.path.name)
                    reports.append(_load(source, writer, seen, progress))
    finally:
        engine.dispose()
    named = {report.table for report in reports}
    return ImportReport(tuple(reports), tuple(table.name for table in CATALOG if table.name not in named))


def _find(folder: Path) -> list[_Source]:
    if not folder.is_dir():
        raise UsageProblem(f"There is no folder {folder}: name the folder that holds the SpotGenTrack CSV files.")
    found = [
        _describe(path, table)
        for table in CATALOG
        for path in sorted(folder.glob(f"{table.name}*.csv"))
        if re.fullmatch(rf"{table.name}([_.\- ].*)?", path.stem)
    ]
    if not found:
        raise UsageProblem(
            f"{folder} has none of the files spotify_tracks.csv, spotify_albums.csv and spotify_artists.csv: "
            "unpack the SpotGenTrack data set there, or name another folder."
        )
    return found


def _describe(path: Path, table: Table) -> _Source:
    header = read_header(path)
    if "id" not in header:
        raise Problem(f"{path} is not a SpotGenTrack file: its first line names no column 'id'. Nothing was imported.")
    names = {"id": table.key[0], "key": "track_key"}
    cells = {names.get(name, name): place for place, name in enumerate(header) if name != LYRICS}
    nameless = [place for place, name in enumerate(header) if NAMELESS.fullmatch(name)]
    cells |= dict(zip(("number", "number0") if len(nameless) == 1 else ("number0", "number"), nameless, strict=False))
    wanted = catalog_columns(table)
    return _Source(path, table, header, {name: cells[name] for name in wanted if name in cells})


def _load(source: _Source, writer: Writer, seen: Seen, progress: Progress) -> FileReport:
    known = {*source.cells.values(), *(p for p, name in enumerate(source.header) if NAMELESS.fullmatch(name))}
    ignored = tuple(name for place, name in enumerate(source.header) if place not in known)
    report = FileReport(source.path.name, source.table.name, ignored=ignored)
    size, done = source.path.stat().st_size, 0
    writer.forget_rejects()
    for batch in _batches(read_records(source.path, len(source.header))):
        report.rows += len(batch)
        good, bad = _sift(batch, source, seen)
        writer.write(good)
        writer.reject(bad)
        report.loaded, report.rejected = report.loaded + len(good), report.rejected + len(bad)
        done += sum(len(record.raw.encode("utf-8", "surrogateescape")) for record in batch)
        progress(source.path.name, min(done, size), size)
    progress(source.path.name, size, size)
    return report


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    weight = 0
    next(records)
    for record in records:
        batch.append(record)
        weight += record.size
        if len(batch) >= BATCH or weight > 16_000_000:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _sift(batch: list[Record], source: _Source, seen: Seen) -> tuple[list[Values], list[tuple[int, str, str]]]:
    # a column that the file lacks takes the empty cell that is put behind the row
    wanted = catalog_columns(source.table)
    makers = [(source.cells.get(name, -1), KINDS[source.table.columns[name]]) for name in wanted]
    rows: list[tuple[str, int, str, Values]] = []
    bad: list[tuple[int, str, str]] = []
    key_cell = source.cells[source.table.key[0]]
    for record in batch:
        reason = record.reason or _flaw(record, source)
        if reason is None and record.fields is not None:
            try:
                values = convert([*record.fields, ""], makers, source.header)
            except BadValue as error:
                reason = str(error)
            else:
                rows.append((record.fields[key_cell], record.line, source.path.name, values))
                continue
        bad.append((record.line, reason or "unreadable", _keepable(record, source)))
    repeated = seen.repeated([(key, line, file) for key, line, file, _ in rows])
    by_line = {record.line: record for record in batch} if repeated else {}
    bad += [
        (line, f"the same {source.table.key[0]} as line {first_line} of {first_file}", _keepable(by_line[line], source))
        for line, (first_line, first_file) in repeated.items()
    ]
    return [values for _, line, _, values in rows if line not in repeated], bad


def _flaw(record: Record, source: _Source) -> str | None:
    fields = record.fields or []
    key = fields[source.cells[source.table.key[0]]]
    if not key:
        return "no id"
    if len(key) > 255 or key.split() != [key]:
        return "the id is not an id"
    if any("\0" in fields[place] for place in source.cells.values()):
        return "a NUL"
    try:
        record.raw.encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    if not any(fields[source.cells[name]] for name in ("name", "uri", "type") if name in source.cells):
        return "the row is cut short: no name, no uri, no type"
    return None


def _keepable(record: Record, source: _Source) -> str:
    """The text of a rejected record without anything that is, or may be, lyrics, and without NULs."""
    raw = _storable(record.raw)
    if source.lyrics is None:
        return raw
    fields = record.fields or []
    if record.reason is None and len(fields) == len(source.header) and fields[source.cells[source.table.key[0]]]:
        return _csv_line([cell for place, cell in enumerate(fields) if place != source.lyrics])
    return _csv_line(
        [cell if PLAIN_CELL.fullmatch(cell) else f"[withheld: {len(cell)} characters]" for cell in raw.split(",")]
    )


def _csv_line(cells: list[str]) -> str:
    import csv
    import io

    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return _storable(out.getvalue())


def _storable(text: str) -> str:
    """A text without what a database refuses: bytes that are not UTF-8, and, for Postgres, NULs."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "")
