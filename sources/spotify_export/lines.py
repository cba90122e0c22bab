"""Rows of a CSV of scrobbles: one line, one row.

Names in scrobbles hold no line breaks, so a line is parsed by itself: a quote that is never closed costs its own row
and not the file.

Data flow: blocks of utf-8 -> lists of rows (dicts) and Faults.
"""

import csv
from collections.abc import Iterator

from sources.spotify_export.layout import Csv
from sources.spotify_export.walker import ELEMENT_LIMIT, NOT_UTF8, Fault


def rows(blocks: Iterator[bytes], layout: Csv) -> Iterator[list[object]]:
    """Yields a CSV's rows in chunks; the header and blank lines are no rows."""
    skip = layout.header
    for whole in _whole_lines(blocks):
        lines = [line for line in whole.split(b"\n") if line.strip()]
        yield [_row(line, layout) for line in lines[skip:]]
        skip = max(0, skip - len(lines))


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            yield whole
        elif len(rest) > ELEMENT_LIMIT:
            yield rest
            rest = b""
    yield rest


def _row(line: bytes, layout: Csv) -> object:
    try:
        values = next(csv.reader((line.decode().rstrip("\r"),), delimiter=layout.delimiter))
    except UnicodeDecodeError:
        return Fault(NOT_UTF8)
    except (csv.Error, StopIteration):
        return Fault("broken CSV")
    if len(values) != layout.width:
        return Fault(f"{len(values)} fields where {layout.width} belong")
    return {key: values[at] for key, at in layout.positions.items()}
