"""An answer of DuckDB on a stream: as a table for people, as CSV, as JSON; a batch of rows at a time.

Data flow: connection, one select -> text
"""

import csv
import json
import math
import shutil
from collections.abc import Iterator
from itertools import chain, count
from typing import IO, TYPE_CHECKING, Any

from pipelines.duck import literal, quote

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

PLAIN = {
    *("boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint"),
    *("uhugeint", "decimal", "float", "double", "varchar", "enum", "date", "time", "timestamp"),
    *("timestamp with time zone", "timestamp_s", "timestamp_ms"),
}
"""Types whose values Python and JSON can tell; of all others DuckDB's own text is given."""
MOMENTS = {"date", "timestamp", "timestamp with time zone", "timestamp_s", "timestamp_ms"}
"""Types that have an infinity in DuckDB, which Python takes for the last day that it knows."""


def _table(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    answer = connection.sql(query)
    if answer is not None:
        to.flush()
        answer.show(max_rows=1000, max_width=max(shutil.get_terminal_size((160, 40)).columns, 80))


def _csv(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    writer = csv.writer(to, lineterminator="\n")
    names, rows = _answer(connection, query)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)


def _json(connection: "duckdb.DuckDBPyConnection", query: str, to: IO[str]) -> None:
    names, rows = _answer(connection, query)
    keys, before = _apart(names), "[\n "
    for row in rows:
        item = {key: _plain(value) for key, value in zip(keys, row, strict=True)}
        text = json.dumps(item, ensure_ascii=False, allow_nan=False, indent=1)
        to.write(before + text.replace("\n", "\n "))
        before = ",\n "
    to.write("[]\n" if before.startswith("[") else "\n]\n")


def _answer(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Names and rows of an answer, a batch at a time."""
    answer = connection.sql(query)  # knows its columns before anything is computed
    names, kinds = answer.columns, answer.types
    if all(_is_plain(kind) and kind.id not in MOMENTS for kind in kinds):
        return names, _rows(answer)
    numbered = [f"c{number}" for number in range(len(names))]
    values = map(_asked, numbered, kinds)
    asked = f"query({literal(query)}) as answer({', '.join(numbered)})"
    return names, _rows(connection.execute(f"select {', '.join(values)} from {asked}"))


def _asked(name: str, kind: Any) -> str:
    """A column as Python can tell it; what is endless there as DuckDB's own word."""
    if kind.id not in MOMENTS:
        return f"cast({name} as {_told(kind)})"
    either = f"union(word varchar, moment {kind})"
    return f"case when isinf({name}) then {name}::varchar::{either} else {name}::{either} end"


def _rows(cursor: "duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation") -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _is_plain(kind: Any) -> bool:
    if kind.id in ("list", "array"):
        return _is_plain(_parts(kind)["child"])
    if kind.id == "map":
        return str(_parts(kind)["key"]) == "VARCHAR" and _is_plain(_parts(kind)["value"])
    return all(map(_is_plain, _parts(kind).values())) if kind.id == "struct" else kind.id in PLAIN


def _parts(kind: Any) -> dict[str, Any]:
    return dict(kind.children) if kind.id in ("list", "array", "struct", "map") else {}


def _told(kind: Any) -> str:
    """The type to ask for: text in place of each part that is not plain."""
    if _is_plain(kind):
        return str(kind)
    parts = _parts(kind)
    if kind.id == "list":
        return f"{_told(parts['child'])}[]"
    if kind.id == "array":
        return f"{_told(parts['child'])}[{parts['size']}]"
    if kind.id == "map":
        return f"MAP(VARCHAR, {_told(parts['value'])})"
    if parts and "" not in parts:
        return f"STRUCT({', '.join(f'{quote(name)} {_told(part)}' for name, part in parts.items())})"
    return "VARCHAR"


def _apart(names: list[str]) -> list[str]:
    """Names that one object can hold: a second `a` is `a_1`, as in a table that DuckDB makes."""
    keys: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in count(1))
        keys.append(next(key for key in chain([name], others) if key not in keys and (key == name or key not in names)))
    return keys


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(_plain(value), ensure_ascii=False)
    return value if isinstance(value, float) else _plain(value)


def _plain(value: Any) -> Any:
    """A value as JSON has it; what is no number there (NaN, infinity) is null."""
    from datetime import date, time
    from decimal import Decimal

    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    return value


def _number(value: "Decimal") -> int | float | str:
    """A decimal as a number, or as text where a float would lose digits."""
    if value == value.to_integral_value():
        return int(value)
    return float(value) if type(value)(repr(float(value))) == value else f"{value:f}".rstrip("0")


FORMATS = {"table": _table, "csv": _csv, "json": _json}
"""By the name that `--format` takes."""
