"""Writing rows into the catalog database so that only what really differs is touched.

MySQL leaves a row (and its `updated_at`) alone when an upsert changes nothing; SQLite is told so by a condition;
any other database is asked for the rows first and compared here.

Data flow: batches of values -> insert or update
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sources.catalog.database import MYSQL
from sources.catalog.schema import catalog_columns
from sources.table import Table

if TYPE_CHECKING:
    import sqlalchemy as sa

Values = tuple[object, ...]
MARKED = "<rows>"
STATEMENT = 1_000_000
"""Characters of a statement; servers take 16 MB at least."""


class Seen:
    """Keys that came before, in a temporary database that leaves memory when it grows."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("create table seen (key text primary key, line integer, file text) without rowid")

    def repeated(self, rows: Sequence[tuple[str, int, str]]) -> dict[int, tuple[int, str]]:
        """Remember (key, line, file) rows.

        Returns:
            By line, where the key came first, for each row whose key came before.
        """
        before = self._database.total_changes
        self._database.executemany("insert or ignore into seen values (?, ?, ?)", rows)
        if self._database.total_changes - before == len(rows):
            return {}
        found = {}
        for key, line, file in rows:
            first: tuple[int, str] = self._database.execute(
                "select line, file from seen where key = ?", (key,)
            ).fetchone()
            if first != (line, file):
                found[line] = first
        return found


class Writer:
    """Writes the rows of one file into its table."""

    def __init__(self, engine: "sa.Engine", table: Table, file: str) -> None:
        self._engine = engine
        self._table = table
        self._file = file
        self._columns = catalog_columns(table)
        self._mark = "?" if engine.dialect.name == "sqlite" else "%s"

    def forget_rejects(self) -> None:
        """Remove what an import of this file rejected before."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"delete from import_rejects where file = {self._mark}", (self._file,))

    def reject(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Keep rejected rows: line, reason, text."""
        if rows:
            marks = ", ".join([self._mark] * 4)
            insert = f"insert into import_rejects (file, line, reason, raw) values ({marks})"
            with self._engine.begin() as connection:
                connection.exec_driver_sql(insert, [(self._file, *row) for row in rows])

    def write(self, rows: Sequence[Values]) -> None:
        """Insert new rows, update rows that differ."""
        if not rows:
            return
        with self._engine.begin() as connection:
            if self._engine.dialect.name in MYSQL:
                head, tail = self._upsert().split(MARKED)
                raw = connection.execution_options(no_parameters=True)
                for values in _written(rows):
                    raw.exec_driver_sql(f"{head}{values}{tail}")
            elif self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql(self._upsert(), list(rows))
            else:
                _compare_and_write(connection, self._table, self._columns, rows)

    def _upsert(self) -> str:
        names, marks = ", ".join(map(self._quote, self._columns)), ", ".join(["?"] * len(self._columns))
        others = [self._quote(name) for name in self._columns if name not in self._table.key]
        insert = f"insert into {self._table.name} ({names}) values ({marks})"
        if self._engine.dialect.name in MYSQL:
            insert = f"insert into {self._table.name} ({names}) values {MARKED}"
            return f"{insert} on duplicate key update " + ", ".join(f"{name} = values({name})" for name in others)
        differs = " or ".join(f"{self._table.name}.{name} is not excluded.{name}" for name in others)
        sets = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f"{insert} on conflict ({self._table.key[0]}) do update set {sets} where {differs}"

    def _quote(self, name: str) -> str:
        return self._engine.dialect.identifier_preparer.quote(name)


def _written(rows: Sequence[Values]) -> Iterator[str]:
    """Rows as lists of MySQL values, each of about the length of a statement; several times faster than the driver."""
    from pymysql.converters import escape_string

    def literal(value: object) -> str:
        if value is None:
            return "null"
        if isinstance(value, str):
            return f"'{escape_string(value)}'"
        # with an exponent it is a double, without one a decimal
        return repr(value) if isinstance(value, int) or "e" in repr(value) else f"{value!r}e0"

    parts: list[str] = []
    size = 0
    for row in rows:
        parts.append(f"({','.join([literal(value) for value in row])})")
        size += len(parts[-1])
        if size > STATEMENT:
            yield ",".join(parts)
            parts, size = [], 0
    if parts:
        yield ",".join(parts)


def _compare_and_write(connection: "sa.Connection", table: Table, columns: list[str], rows: Sequence[Values]) -> None:
    import sqlalchemy as sa

    place = columns.index(table.key[0])
    target = sa.table(table.name, *(sa.column(name) for name in [*columns, "updated_at"]))
    key = target.c[table.key[0]]
    wanted = {row[place]: row for row in rows}
    held: dict[Any, Values] = {}
    keys = list(wanted)
    for start in range(0, len(keys), 500):
        query = sa.select(*(target.c[name] for name in columns)).where(key.in_(keys[start : start + 500]))
        held |= {row[place]: tuple(row) for row in connection.execute(query)}
    new = [dict(zip(columns, row, strict=True)) for row in rows if row[place] not in held]
    changed = [row for row in rows if row[place] in held and held[row[place]] != row]
    if new:
        connection.execute(sa.insert(target), new)
    moves_by_itself = connection.dialect.name == "postgresql"
    for row in changed:
        stamp = {} if moves_by_itself else {target.c.updated_at: sa.func.current_timestamp()}
        values = {target.c[name]: value for name, value in zip(columns, row, strict=True)}
        connection.execute(sa.update(target).where(key == row[place]).values(values | stamp))
