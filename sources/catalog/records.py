"""CSV records that remember where they stood, from files that may be spoiled.

Python's csv reader does the parsing. A record that cannot be parsed, or that runs over several lines and then has the
wrong number of columns, costs its first line alone: reading goes on at the next line, so that one stray quote does not
swallow the rest of the file.

Data flow: CSV file -> Record (fields), or Record (reason)
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FIELD = 4_000_000
MAX_LINES = 20_000


@dataclass(frozen=True)
class Record:
    """One record of a CSV file.

    Attributes:
        line: Number of its first line, from 1.
        fields: Its cells; None when it could not be parsed.
        reason: Why it is no good; None for a good one.
        raw: Its text as it stood in the file, without the line end.
        size: Its length in characters.
    """

    line: int
    fields: list[str] | None
    reason: str | None
    raw: str
    size: int


class _Unclosed(Exception):
    """A record has gone on for too long."""


class _Lines:
    """Lines of a stream that can be given back."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_LINES:
            raise _Unclosed
        line = self._again.popleft() if self._again else next(self._stream)
        self.taken.append(line)
        return line

    def finish(self, lines: int) -> str:
        """The text of the first `lines` lines taken; the others are read again."""
        text = "".join(self.taken[:lines])
        self._again.extendleft(reversed(self.taken[lines:]))
        self.taken.clear()
        self.number += lines
        return text


def read_header(path: Path) -> list[str]:
    """The names of a file's columns; empty for an empty file."""
    first = next(read_records(path, None), None)
    return (first.fields or []) if first else []


def read_records(path: Path, columns: int | None) -> Iterator[Record]:
    """Every record of a file, the header included; blank lines are no records.

    Args:
        path: A CSV file, UTF-8. Bytes that are not UTF-8 come as lone surrogates.
        columns: How many cells a good record has; None takes any number.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        lines = _Lines(stream)
        reader = csv.reader(lines, strict=True)
        while True:
            line = lines.number
            fields, reason = _next(reader)
            if not lines.taken:
                return
            if fields and columns is not None and len(fields) != columns:
                reason = f"{len(fields)} columns instead of {columns}"
            elif not fields and reason is None:
                lines.finish(len(lines.taken))
                continue
            raw = lines.finish(1 if reason else len(lines.taken))
            yield Record(line, fields, reason, raw.rstrip("\r\n"), len(raw))


def _next(reader: "Iterator[list[str]]") -> tuple[list[str] | None, str | None]:
    try:
        return next(reader), None
    except StopIteration:
        return None, None
    except _Unclosed:
        return None, "a quote is opened and not closed"
    except csv.Error as error:
        return None, f"not a CSV record: {error}"
