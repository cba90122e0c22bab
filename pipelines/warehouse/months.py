"""The months of a table that a publish brings anew.

A table that keeps its old rows when new plays come (`meta.at` of a gold model) is summed month by month. A month that
sums alike in the published generation is taken from there: what travels follows what is new, wherever in time that is.

Data flow: TableState of the build and of the published generation -> months -> a condition for either engine
"""

from collections.abc import Sequence
from datetime import date

from pipelines.duck import quote
from pipelines.warehouse import TableState

UNKNOWN = ""
"""The month of rows without a time."""


def month_of(column: str) -> str:
    """The month of a row as a DuckDB expression: its first day, in UTC for an instant."""
    return f"cast(date_trunc('month', cast({quote(column)} as timestamp)) as date)"


def to_bring(built: TableState, before: TableState | None) -> tuple[str, ...] | None:
    """The months in which two states of a table differ; None where all of it is to be brought."""
    if before is None or before.columns != built.columns:
        return None
    labels = sorted({*built.months, *before.months})
    found = tuple(label for label in labels if built.months.get(label) != before.months.get(label))
    return found if 2 * len(found) <= len(built.months) else None


def within(column: str, kind: str, months: Sequence[str]) -> str:
    """Whether a row is of one of the months, as an expression of either engine; null where it has no time."""
    midnight = " 00:00:00+00" if "with time zone" in kind.lower() else ""
    stretches = [
        f"({quote(column)} >= '{month}{midnight}' and {quote(column)} < '{_next(month)}{midnight}')"
        for month in months
        if month != UNKNOWN
    ]
    unknown = [f"{quote(column)} is null"] if UNKNOWN in months else []
    return f"({' or '.join([*stretches, *unknown]) or 'false'})"


def _next(month: str) -> str:
    first = date.fromisoformat(month)
    return str(date(first.year + first.month // 12, first.month % 12 + 1, 1))
