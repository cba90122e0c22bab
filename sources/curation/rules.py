"""Reads the listener's own rules: four CSV files in one folder, every line checked.

A rule is a row; removing the row undoes it. A faulty line is kept with what is wrong with it, does nothing, and is
told by every run until it is mended.

Data flow: <folder>/{exclude,rename,merge,recordings}.csv -> Rule per line
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ITEMS = ("artist", "track", "album")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """One line of a file.

    Attributes:
        file: Name of the file.
        line: Line of the file, the header being 1.
        kind: What it is about; `none` for the mark of an emptied folder.
        fields: The row as a JSON object.
        problem: What is wrong with it; empty when it is valid.
    """

    file: str
    line: int
    kind: str
    fields: str
    problem: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether the rule is applied."""
        return not self.problem


@dataclass(frozen=True)
class Folder:
    """One look at the folder.

    Attributes:
        files: Content of every CSV file by name.
    """

    files: Mapping[str, bytes]

    @property
    def rules(self) -> list[Rule]:
        """Every rule, valid or not, in the order of files and lines."""
        return [rule for name, content in self.files.items() for rule in _read_file(name, content)]

    @property
    def digest(self) -> str:
        """Hex digest of names and bytes."""
        parts = [(name, hashlib.sha256(content).hexdigest()) for name, content in self.files.items()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Layout:
    """What a file may hold: its columns, its kinds, and the check of a row."""

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    check: Callable[[Row], str]


def read_folder(folder: Path) -> Folder:
    """The CSV files of a folder, sorted by name; none where there is no folder."""
    files = sorted(path for path in folder.glob("*.csv") if path.is_file()) if folder.is_dir() else []
    return Folder({path.name: path.read_bytes() for path in files})


def read_rules(folder: Path) -> list[Rule]:
    """Every rule of a folder, valid or not, in the order of files and lines; none where there is no folder."""
    return read_folder(folder).rules


def _read_file(name: str, content: bytes) -> Iterator[Rule]:
    layout = LAYOUTS.get(name)
    if layout is None:
        yield Rule(name, 1, "unknown", "{}", f"no such file of rules: there are {', '.join(LAYOUTS)}")
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield Rule(name, 1, "unknown", "{}", f"not UTF-8 at byte {error.start}: save it as UTF-8")
        return
    reader = csv.DictReader(io.StringIO(text, newline=""))
    fault = _header_fault(reader.fieldnames or (), layout)
    if fault:
        yield Rule(name, 1, "unknown", "{}", fault)
        return
    for row in reader:
        yield _rule(name, reader.line_num, row, layout)


def _header_fault(names: Sequence[str], layout: Layout) -> str:
    unknown = [name for name in names if name not in layout.columns]
    known = ", ".join(layout.columns)
    return f"unknown column {unknown[0]!r}: there are {known}" if unknown else "" if names else f"no header: {known}"


def _rule(file: str, line: int, row: Mapping[str | None, str | list[str] | None], layout: Layout) -> Rule:
    if None in row:
        return Rule(file, line, "unknown", "{}", "more cells than the header has columns: quote names with commas")
    cells = {str(name): str(value or "").strip() for name, value in row.items()}
    kind = cells.get("kind") or layout.kinds[0]
    problem = "" if kind in layout.kinds else f"kind {kind!r} is none of {', '.join(layout.kinds)}"
    return Rule(file, line, kind, json.dumps(cells, ensure_ascii=False), problem or layout.check(cells))


def _check_exclude(row: Row) -> str:
    fault = _time_fault(row)
    if fault:
        return fault
    needs_time = row.get("kind") in ("play", "window", "session")
    if needs_time and not row.get("from_at"):
        return "from_at is missing"
    if row.get("kind") == "window" and not row.get("to_at"):
        return "to_at is missing"
    return "" if needs_time and row.get("kind") != "play" else _names_something(row)


def _check_rename(row: Row) -> str:
    return _names_something(row) or ("" if row.get("new_name") else "new_name is missing")


def _check_merge(row: Row) -> str:
    missing = [name for name in ("from_id", "into_id") if not row.get(name)]
    if missing:
        return f"{missing[0]} is missing"
    return "from_id and into_id are the same" if row["from_id"] == row["into_id"] else ""


def _check_recording(row: Row) -> str:
    missing = [name for name in ("track_id", "recording_id") if not row.get(name)]
    return f"{missing[0]} is missing" if missing else ""


def _names_something(row: Row) -> str:
    return "" if row.get("id") or row.get("name") else "id or name is missing"


def _time_fault(row: Row) -> str:
    times = {}
    for name in ("from_at", "to_at"):
        try:
            times[name] = datetime.fromisoformat(row[name]) if row.get(name) else None
        except ValueError:
            return f"{name} is {row[name]!r}: write a time such as 2024-03-01 22:00 or 2024-03-01T22:00:00+01:00"
    first, last = times["from_at"], times["to_at"]
    if first and last and first.replace(tzinfo=None) >= last.replace(tzinfo=None) and first.tzinfo == last.tzinfo:
        return "from_at is not before to_at"
    return ""


LAYOUTS: Mapping[str, Layout] = {
    "exclude.csv": Layout(
        ("kind", "id", "name", "from_at", "to_at", "note"), (*ITEMS, "play", "window", "session"), _check_exclude
    ),
    "rename.csv": Layout(("kind", "id", "name", "new_name", "note"), ITEMS, _check_rename),
    "merge.csv": Layout(("kind", "from_id", "into_id", "note"), ITEMS, _check_merge),
    "recordings.csv": Layout(("track_id", "recording_id", "note"), ("recording",), _check_recording),
}
