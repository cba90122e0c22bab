"""`run.py diff staging prod`: gold of two environments compared before a promotion.

DuckDB reads both warehouses, whatever they are, and joins each table with its twin on the key; joins that do not fit
into memory go to disk. A key on one side alone is a row added or removed; a column whose value differs is counted. Of a
table without a key equal rows are counted; where a column of the key is on one side alone, rows are only counted.

Data flow: two warehouses, keys of the gold models -> one join per table -> table on stdout, exit code
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines import configured, dictionary
from pipelines.duck import literal, quote
from pipelines.settings import PROFILES, Settings, load
from pipelines.warehouse import GOLD
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
WINNING = ("DESTINATION__WAREHOUSE__CREDENTIALS", "LAKEHOUSE__DATA_DIR")
"""Settings of the environment that give all profiles one warehouse, the stronger first."""
Columns = Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """What is other in one table on the right than on the left.

    Attributes:
        left: Rows on the left; None where the table is not there.
        right: Rows on the right; None where the table is not there.
        changed: Rows of the same key with another value.
        columns: Number of changed rows by column.
        left_only: Columns that the right lacks.
        right_only: Columns that the left lacks.
        is_compared: Whether rows could be told apart: not where a column of the key is on one side alone.
    """

    table: str
    left: int | None
    right: int | None
    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: Mapping[str, int] | None = None
    left_only: tuple[str, ...] = ()
    right_only: tuple[str, ...] = ()
    is_compared: bool = True

    @property
    def is_none(self) -> bool:
        """Whether both sides hold the same."""
        is_whole = self.left is not None and self.right is not None and self.is_compared
        return is_whole and not (self.added or self.removed or self.changed or self.left_only or self.right_only)


def diff(settings: Settings, options: argparse.Namespace) -> int:
    """Compares two environments, given by profile, or by a warehouse's URL or file.

    Returns:
        0; with --exit-code 1 where they differ.

    Raises:
        UsageProblem: Both are the same warehouse, or one is no environment.
        Problem: One cannot be read.
    """
    names = [str(name) for name in options.environments]
    shared = [name for name in WINNING if os.environ.get(name)]
    left, right = map(_warehouse, names)
    if left == right:
        raise UsageProblem(f"{' and '.join(map(_shown, names))} are the same warehouse{_reason(names, shared)}.")
    found = compare(left, right, dictionary.keys(settings.root))
    sys.stdout.write("".join(f"{line}\n" for line in render(found, list(map(_shown, names)))))
    return int(options.exit_code and not all(item.is_none for item in found))


def _reason(names: Sequence[str], shared: Sequence[str]) -> str:
    if not shared or not set(names) <= set(PROFILES) or names[0] == names[1]:
        return ""
    return f": {shared[0]} in the environment wins over both profiles; put it into the .toml files of each"


def _shown(name: str) -> str:
    """An environment without a password that is part of it."""
    if "://" not in name:
        return name
    at = urlsplit(name)
    return f"{at.scheme}://{at.hostname}{at.path}"


def _warehouse(name: str) -> str:
    if "://" in name:
        if fault := configured.warehouse(name):
            raise UsageProblem(f"An environment of diff {fault}")
        return name
    if name not in PROFILES:
        if not Path(name).exists():
            raise UsageProblem(
                f"There is no file {name}, nor a profile of that name: give one of {', '.join(PROFILES)}, "
                "postgresql://... or the path of a DuckDB file."
            )
        return str(Path(name).resolve())
    from dlt._workspace.run_context import switch_profile

    switch_profile(name)  # dlt keeps the settings of the profile that it was asked for first
    return load(name).warehouse.url


def compare(left: str, right: str, keys: Mapping[str, Sequence[str]]) -> list[Difference]:
    """Compares the gold of two warehouses.

    Args:
        left: URL of a Postgres database, or path of a DuckDB file.
        right: The same.
        keys: Columns of the key by table; a table without one is compared by whole rows.

    Returns:
        One difference for each table, by name.

    Raises:
        Problem: A warehouse cannot be read, or holds no gold.
    """
    import duckdb

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = {literal(folder)}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set timezone = 'UTC'")
        sides = [_attach(connection, side, place) for side, place in (("lefts", left), ("rights", right))]
        names = sorted({*sides[0], *sides[1]})
        return [_compare(connection, name, sides[0].get(name), sides[1].get(name), keys.get(name)) for name in names]


def _attach(connection: "duckdb.DuckDBPyConnection", side: str, place: str) -> dict[str, Columns]:
    """Attaches a warehouse and returns the columns of its gold tables."""
    import duckdb

    try:
        if "://" in place:
            _attach_postgres(connection, side, place)
        elif not Path(place).exists():
            raise Problem(f"Nothing is published in {place} yet: run that environment first.")
        else:
            connection.execute(f"attach {literal(place)} as {side} (read_only)")
        rows = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns()"
            " where database_name = ? and schema_name = ? order by table_name, column_index",
            [side, GOLD],
        ).fetchall()
    except duckdb.Error as error:
        where = urlsplit(place).hostname if "://" in place else place
        raise Problem(f"The warehouse {where} cannot be read: {str(error).splitlines()[0]}") from error
    if not rows:
        raise Problem(f"Nothing is published in the warehouse on the {side.removesuffix('s')} yet.")
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return dict(found)


def _attach_postgres(connection: "duckdb.DuckDBPyConnection", side: str, url: str) -> None:
    from psycopg2.extensions import parse_dsn

    from pipelines.warehouse.landing import attach_postgres

    attach_postgres(connection, parse_dsn(url) | {"application_name": "lakehouse-diff"}, "read_only", side)


def _compare(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    left: Columns | None,
    right: Columns | None,
    key: Sequence[str] | None,
) -> Difference:
    if left is None or right is None:
        return Difference(name, _count(connection, "lefts", name, left), _count(connection, "rights", name, right))
    both = [column for column in left if column in right]
    only = _missing(left, right), _missing(right, left)
    if not both or not set(key or both) <= set(both):
        rows, twin = _count(connection, "lefts", name, left), _count(connection, "rights", name, right)
        return Difference(name, rows, twin, left_only=only[0], right_only=only[1], is_compared=False)
    if not key:
        return Difference(name, *_as_bags(connection, name, both), left_only=only[0], right_only=only[1])
    values = [column for column in both if column not in key]
    other = [f"({_value('l', c, left, right)} is distinct from {_value('r', c, left, right)})" for c in values]
    is_both = "l.is_there and r.is_there"
    parts = [
        "count(l.is_there), count(r.is_there)",
        "count(*) filter (where l.is_there is null), count(*) filter (where r.is_there is null)",
        f"count(*) filter (where {is_both} and ({' or '.join(other) or 'false'}))",
        *(f"count(*) filter (where {is_both} and {differs})" for differs in other),
    ]
    sides = [
        f"(select *, true as is_there from {side}.{GOLD}.{quote(name)}) as {side[0]}" for side in ("lefts", "rights")
    ]
    query = f"select {', '.join(parts)} from {sides[0]} full outer join {sides[1]} on {_equal(key)}"
    ((rows, twin, added, removed, changed, *counts),) = connection.execute(query).fetchall()
    columns = {column: count for column, count in zip(values, counts, strict=True) if count}
    return Difference(name, rows, twin, added, removed, changed, columns, *only)


def _missing(one: Columns, two: Columns) -> tuple[str, ...]:
    return tuple(column for column in one if column not in two)


def _as_bags(connection: "duckdb.DuckDBPyConnection", name: str, columns: Sequence[str]) -> tuple[int, int, int, int]:
    """Rows left and right, added and removed, of a table without a key: equal rows are counted."""
    named = ", ".join(map(quote, columns))
    sides = [
        f"(select {named}, count(*) as is_there from {side}.{GOLD}.{quote(name)} group by {named}) as {side[0]}"
        for side in ("lefts", "rights")
    ]
    counts = "coalesce(l.is_there, 0) as lefts, coalesce(r.is_there, 0) as rights"
    joined = f"select {counts} from {sides[0]} full outer join {sides[1]} on {_equal(columns)}"
    sums = ("lefts", "rights", "greatest(rights - lefts, 0)", "greatest(lefts - rights, 0)")
    parts = ", ".join(f"coalesce(sum({part}), 0)" for part in sums)
    ((rows, twin, added, removed),) = connection.execute(f"select {parts} from ({joined})").fetchall()
    return int(rows), int(twin), int(added), int(removed)


def _equal(columns: Sequence[str]) -> str:
    return " and ".join(f"l.{quote(column)} is not distinct from r.{quote(column)}" for column in columns)


def _count(connection: "duckdb.DuckDBPyConnection", side: str, name: str, columns: Columns | None) -> int | None:
    if columns is None:
        return None
    return int(connection.execute(f"select count(*) from {side}.{GOLD}.{quote(name)}").fetchall()[0][0])


def _value(side: str, column: str, left: Columns, right: Columns) -> str:
    """A column's value; as text where the sides have different types."""
    name = f"{side}.{quote(column)}"
    return name if left[column] == right[column] else f"{name}::varchar"


def render(found: Sequence[Difference], names: Sequence[str]) -> Iterator[str]:
    """Lines for a person: one for each table that differs, its columns below it."""
    left, right = names
    for item in (item for item in found if not item.is_none):
        if item.left is None or item.right is None:
            yield f"{item.table}: only in {left if item.right is None else right}"
            continue
        told = f"{item.added:,} added, {item.removed:,} removed, {item.changed:,} changed"
        yield (
            f"{item.table}: {item.left:,} -> {item.right:,} rows, "
            f"{told if item.is_compared else 'not compared row by row: the key is not that of both'}"
        )
        yield from (f"  {column}: {count:,} changed" for column, count in (item.columns or {}).items())
        yield from (f"  {column}: only in {left}" for column in item.left_only)
        yield from (f"  {column}: only in {right}" for column in item.right_only)
    same = sum(item.is_none for item in found)
    yield f"{same} of {len(found)} tables are the same in {left} and {right}"
