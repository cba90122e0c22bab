"""Rows as columns, wrong rows aside.

The fast way builds whole columns and lets arrow refuse what has the wrong kind; only a chunk in which something is
wrong is looked at row by row. Both ways accept exactly the same rows (a property test holds them together).

Data flow: list of parsed rows -> arrow columns of the good ones, reason and raw text of the others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from sources.spotify_export.feeds import LARGEST, Feed, Field, Row
from sources.spotify_export.privacy import described, platform_family, shown
from sources.spotify_export.walker import Fault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = ((moment - _EPOCH) // timedelta(microseconds=1) for moment in (_FIRST, _LAST))
_TYPES = {"text": pa.string(), "whole": pa.int64(), "flag": pa.bool_(), "time": pa.timestamp("us", tz="UTC")}
_TOLD = {"text": "text", "whole": "a whole number", "flag": "true or false", "time": "a time"}
_WRONG_KIND = (pa.ArrowException, OverflowError, ValueError)


@dataclass(frozen=True)
class Reject:
    """A wrong row: its position in the chunk, the reason, and its text without personal fields."""

    at: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Columns:
    """A chunk in columns.

    Attributes:
        values: The feed's columns of the good rows.
        positions: Position of each good row in the chunk.
        rejects: The others.
    """

    values: pa.Table
    positions: Sequence[int]
    rejects: tuple[Reject, ...]


def columns(chunk: list[object], feed: Feed, *, keep_place: bool) -> Columns:
    """Turns a chunk of parsed rows into columns; every row is in them or among the rejects."""
    whole = None if feed.flatten else _at_once(chunk, feed)
    if whole is not None:
        return Columns(_reduced(whole, keep_place=keep_place), range(len(chunk)), ())
    rows: list[Row] = []
    positions: list[int] = []
    rejects: list[Reject] = []
    for at, value in enumerate(chunk):
        row = feed.flatten(value) if feed.flatten and isinstance(value, dict) else value
        reason = _problem(row, feed)
        if reason is None and isinstance(row, dict):
            rows.append(row)
            positions.append(at)
        else:
            rejects.append(Reject(at, reason or "", _raw(row, feed, keep_place=keep_place)))
    return Columns(_reduced(_table(rows, feed), keep_place=keep_place), positions, tuple(rejects))


def _at_once(chunk: list[object], feed: Feed) -> pa.Table | None:
    if set(map(type, chunk)) != {dict}:
        return None
    rows = cast("list[Row]", chunk)
    # arrow cuts the fraction off a number without a word
    wholes = (field.key for field in feed.fields if field.kind == "whole")
    if any(float in set(map(type, [row.get(key) for row in rows])) for key in wholes):
        return None
    try:
        table = _table(rows, feed)
    except _WRONG_KIND:
        return None
    return table if all(_is_right(table[field.column], field, feed) for field in feed.fields) else None


def _table(rows: Sequence[Row], feed: Feed) -> pa.Table:
    """The feed's columns; arrow takes its keys from the rows, and leaves out the others."""
    kind = pa.struct([pa.field(field.key, _TYPES[field.kind]) for field in feed.fields])
    return pa.Table.from_arrays(pa.array(rows, kind).flatten(), [field.column for field in feed.fields])


def _is_right(values: pa.ChunkedArray, field: Field, feed: Feed) -> bool:
    if field.is_required and values.null_count:
        return False
    # Postgres cannot hold a NUL, so one such name would stop every publication
    if field.kind == "text" and pc.any(pc.match_substring(values, "\0")).as_py():
        return False
    if field.key == feed.clock[0]:
        return _is_clock(values, feed.clock[1])
    if field.column in LARGEST and values.null_count < len(values):
        bounds = pc.min_max(values).as_py()
        return bounds["max"] <= LARGEST[field.column] and (bounds["min"] >= 0 or field.column != "ms_played")
    return True


def _is_clock(values: pa.ChunkedArray, pattern: str) -> bool:
    if not pc.all(pc.match_substring_regex(values, pattern)).as_py():
        return False
    for kind in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):
        try:
            bounds = pc.min_max(pc.cast(values, kind)).as_py()
        except pa.ArrowInvalid:
            continue
        return all(_FIRST <= moment.replace(tzinfo=UTC) < _LAST for moment in bounds.values())
    return False


def _problem(row: object, feed: Feed) -> str | None:
    if isinstance(row, Fault):
        return row.reason
    if not isinstance(row, dict):
        return "not an object"
    found = (_field_problem(row.get(field.key), field, feed) for field in feed.fields)
    return next((problem for problem in found if problem), None)


def _field_problem(value: object, field: Field, feed: Feed) -> str | None:
    if value is None:
        return f"no {field.key}" if field.is_required else None
    if not _has_kind(value, field.kind):
        return f"{field.key} is not {_TOLD[field.kind]}"
    if isinstance(value, str):
        return _text_problem(value, field.key, feed)
    return _number_problem(cast("int", value), field)


def _text_problem(text: str, key: str, feed: Feed) -> str | None:
    if "\0" in text:
        return f"{key} holds a NUL character"
    return _clock_problem(text, key, feed.clock[1]) if key == feed.clock[0] else None


def _number_problem(number: int, field: Field) -> str | None:
    if field.kind == "time" and not _FIRST_US <= number < _LAST_US:
        return f"{field.key} is not between 2000 and 2099"
    if field.column == "ms_played" and number < 0:
        return f"{field.key} is negative"
    return f"{field.key} is too large" if number > LARGEST.get(field.column, number) else None


def _has_kind(value: object, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**53
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _clock_problem(text: str, key: str, pattern: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "Z")) if re.fullmatch(pattern, text, re.ASCII) else None
    except ValueError:
        moment = None
    if moment is None or text.endswith("\n"):
        return f"{key} is no time"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if _FIRST <= moment < _LAST else f"{key} is not between 2000 and 2099"


def _raw(row: object, feed: Feed, *, keep_place: bool) -> str:
    if isinstance(row, Fault):
        return ""
    return shown(row, feed.keys, keep_place=keep_place) if isinstance(row, dict) else described(row)


def _reduced(table: pa.Table, *, keep_place: bool) -> pa.Table:
    if keep_place or "platform" not in table.column_names:
        return table
    families = pa.array(map(platform_family, table["platform"].to_pylist()), pa.string())
    at_platform, at_country = (table.schema.get_field_index(name) for name in ("platform", "conn_country"))
    table = table.set_column(at_platform, "platform", families)
    return table.set_column(at_country, "conn_country", pa.nulls(table.num_rows, pa.string()))
