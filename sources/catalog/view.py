"""The questions that are asked of a table before any row is taken: how many, up to where, and with what checksums.

MySQL, MariaDB and Postgres count and sum by themselves; of any other database the rows are streamed and summed here.

Data flow: open connection, Choice -> numbers
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sources.catalog.checksum import UNIT, Tally, cursor_number, number, text_of
from sources.catalog.choice import Choice
from sources.catalog.kinds import TEXTS
from sources.catalog.sql import Sql

if TYPE_CHECKING:
    import sqlalchemy as sa

Measure = Literal["content", "cursor"]
FETCH = 5_000


@dataclass(frozen=True)
class View:
    """A table seen through an open connection."""

    connection: "sa.Connection"
    sql: Sql

    @classmethod
    def of(cls, connection: "sa.Connection", choice: Choice) -> "View":
        """A table as this connection sees it."""
        return cls(connection, Sql.over(connection.engine, choice))

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Stream the rows of a statement as the driver gives them; nothing in it is taken for a parameter."""
        options = {"no_parameters": True, "stream_results": True, "max_row_buffer": FETCH}
        with self.connection.execution_options(**options).exec_driver_sql(query) as result:
            while batch := result.fetchmany(FETCH):
                for row in batch:
                    yield row._data if hasattr(row, "_data") else tuple(row)

    def count(self) -> int:
        """Rows in the table, without those that lack an id though it is the primary key."""
        counted = self._id if self.sql.choice.may_lack_id else "*"
        return int(next(self.rows(f"select count({counted}) from {self.sql.table}"))[0])

    def estimate(self) -> int:
        """About how many rows, as the server remembers without counting; 0 where none does."""
        if self.sql.dialect != "mysql":
            return 0
        where = f"table_schema = database() and table_name = {self.sql.literal(self.sql.choice.table)}"
        found = next(self.rows(f"select table_rows from information_schema.tables where {where}"), None)
        return int(found[0] or 0) if found else 0

    def top(self) -> str | int | None:
        """The greatest cursor, in a form that can be stored and compared in the database; None without any."""
        cursor = self.sql.choice.cursor
        if cursor is None:
            return None
        top = next(self.rows(f"select max({self.sql.name(cursor.name)}) from {self.sql.table}"))[0]
        if isinstance(top, datetime):
            return top.isoformat(" ", "microseconds")
        return top if top is None or isinstance(top, int) else text_of(top) if not isinstance(top, date) else str(top)

    def tally(self, measure: Measure, where: str | None = None) -> Tally:
        """Count and sum the rows of a condition."""
        return self.tallies(measure, where).get(None, Tally())

    def tallies(self, measure: Measure, where: str | None = None, *, by: str | int | None = None) -> dict[Any, Tally]:
        """Count and sum rows by group.

        Args:
            measure: What the third number sums: all that a row holds, or its cursor.
            where: A condition.
            by: `partition` groups by the partition's label, a number by that many buckets of the id's number.
        """
        if self.sql.counts_itself:
            return self._counted(measure, where, by)
        sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
        for group, key, value in self._streamed(measure, where, by):
            total = sums[group]
            total[0] += 1
            total[1] += key
            total[2] += value
        return {group: Tally(*total) for group, total in sums.items()}

    def ids(self, counted: Tally) -> Tally | None:
        """The ids of the whole table, each counted once; None if its rows are no longer those that were counted."""
        n = self.sql.id_number() if self.sql.counts_itself else ""
        if n:
            query = f"select count(*), sum({n}), count(distinct {n}), sum(distinct {n}) from {self.sql.table}"
            rows, keys, different, once = (int(value or 0) for value in next(self.rows(query)))
        else:
            seen: set[int] = set()
            rows = keys = 0
            for (value,) in self.rows(f"select {self._id} from {self.sql.table}"):
                rows += 1
                keys += (found := self._id_number(value))
                seen |= {found} if value is not None else set()
            different, once = len(seen), sum(seen)
        return Tally(different, once) if (rows, keys) == (counted.rows, counted.keys) else None

    def keys(self, where: str, buckets: list[int], of: int) -> Iterator[tuple[str, int]]:
        """Id and cursor's number of the rows of a condition that fall into some buckets."""
        sql = self.sql
        names = [self._id, *self._measured("cursor")]
        condition = f"{where} and {sql.in_buckets(buckets, of)}" if sql.counts_itself else where
        wanted = set(buckets)
        for value, cursor in self.rows(f"select {', '.join(names)} from {sql.table} where {condition}"):
            key = self._text_of_id(value)
            if sql.counts_itself or number(key) % of in wanted:
                yield key, self._cursor_number(cursor)

    def alive(self, ids: list[str]) -> set[str]:
        """Which of these ids the table has now."""
        found: set[str] = set()
        for start in range(0, len(ids), 500):
            where = self.sql.with_ids(ids[start : start + 500])
            query = f"select {self._id} from {self.sql.table} where {where}"
            found |= {self._text_of_id(value) for (value,) in self.rows(query)}
        return found

    def _counted(self, measure: Measure, where: str | None, by: str | int | None) -> dict[Any, Tally]:
        sql = self.sql
        value = sql.content_number() if measure == "content" else sql.cursor_number()
        group = "null" if by is None else sql.partition_label() if by == "partition" else f"{sql.id_number()} % {by}"
        query = f"select {group}, count(*), sum({sql.id_number()}), sum({value}) from {sql.table}"
        query += f" where {where}" if where else ""
        query += " group by 1" if by is not None else ""
        return {
            (int(name) if isinstance(by, int) else name): Tally(int(rows), int(keys or 0), int(total or 0))
            for name, rows, keys, total in self.rows(query)
            if rows
        }

    def _streamed(self, measure: Measure, where: str | None, by: str | int | None) -> Iterator[tuple[Any, int, int]]:
        sql = self.sql
        names = [self._id, *self._measured(measure), *([sql.partition_label()] if by == "partition" else [])]
        end = -1 if by == "partition" else None
        query = f"select {', '.join(names)} from {sql.table}" + (f" where {where}" if where else "")
        measured: Callable[[tuple[Any, ...]], int] = _content if measure == "content" else self._cursor
        for row in self.rows(query):
            value = measured(row[1:end])
            key = self._id_number(row[0])
            yield row[-1] if by == "partition" else key % by if isinstance(by, int) else None, key, value

    @property
    def _id(self) -> str:
        return self.sql.name(self.sql.id.name)

    def _text_of_id(self, value: object) -> str:
        """An id as the lake writes it."""
        # psycopg2 gives a bytea as a memoryview
        if isinstance(value, bytes | memoryview) and self.sql.id.kind == "binary":
            return bytes(value).decode("utf-8", "replace")
        return text_of(value)

    def _id_number(self, value: object) -> int:
        return 0 if value is None else number(self._text_of_id(value))

    def _cursor(self, values: tuple[Any, ...]) -> int:
        return self._cursor_number(values[0])

    def _cursor_number(self, value: object) -> int:
        """A cursor as a number; a text that looks like a time is one text of many."""
        cursor = self.sql.choice.cursor
        is_text = cursor is not None and cursor.kind in TEXTS and value is not None
        return number(text_of(value)) if is_text else cursor_number(value)

    def _measured(self, measure: Measure) -> list[str]:
        choice = self.sql.choice
        if measure == "content":
            return [self.sql.name(column.name) for column in choice.columns]
        return [self.sql.name(choice.cursor.name)] if choice.cursor else []


def _content(values: tuple[Any, ...]) -> int:
    return number(UNIT.join(map(text_of, values)))
