"""What kinds of columns a database has, and which of them grow, so that a cursor can be one.

Data flow: reflection -> Column
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TIMES, NUMBERS, TEXTS = ("timestamp", "instant", "date"), ("integer", "unsigned"), ("text",)
GROWING = (*TIMES, *NUMBERS, *TEXTS)
KEPT = {"TIMESTAMPTZ": TIMES, "BIGINT": NUMBERS, "VARCHAR": TEXTS}
"""Kinds of a cursor that the lake keeps as what they are, by the type of a declared column."""


@dataclass(frozen=True)
class Column:
    """A column of the source: its kind decides how it is read and what it becomes.

    Attributes:
        name: As the database spells it.
        kind: text, enum (also a set), integer, unsigned, double, decimal, timestamp, instant (kept in UTC by MySQL),
            date, time, bit, binary, json, boolean or other.
        precision: Digits of a decimal.
        scale: Digits after its point.
    """

    name: str
    kind: str
    precision: int | None = None
    scale: int | None = None


def named(columns: Sequence[Column], name: str) -> Column | None:
    """A column by name, in any case of letters; one of exactly this case goes first."""
    found = [column for column in columns if column.name.lower() == name.lower()]
    return next((column for column in found if column.name == name), found[0] if found else None)


def column_of(found: Any) -> Column:
    """A column as SQLAlchemy's reflection tells it."""
    import sqlalchemy as sa

    kind = found["type"]
    if isinstance(kind, sa.Numeric) and _kind(kind) == "decimal":
        return Column(found["name"], "decimal", kind.precision, kind.scale or 0)
    return Column(found["name"], _kind(kind))


def _kind(kind: Any) -> str:
    import sqlalchemy as sa

    name = type(kind).__name__.upper()
    if name in ("BIT", "YEAR", "ENUM", "SET"):
        return {"BIT": "bit", "YEAR": "integer", "ENUM": "enum", "SET": "enum"}[name]
    if isinstance(kind, sa.Integer) and getattr(kind, "unsigned", False):
        return "unsigned"
    if name == "TIMESTAMP" and type(kind).__module__.endswith("mysql.types"):
        return "instant"
    for family, label in (
        (sa.Boolean, "boolean"),
        (sa.Integer, "integer"),
        (sa.Float, "double"),
        (sa.Numeric, "decimal"),
        (sa.DateTime, "timestamp"),
        (sa.Date, "date"),
        (sa.Time, "time"),
        (sa.JSON, "json"),
        (sa.String, "text"),
        (sa.LargeBinary, "binary"),
        (sa.types._Binary, "binary"),
    ):
        if isinstance(kind, family):
            return label
    return "other"
