"""Taking rows out of the catalog, page by page, in memory that does not grow with the table.

MySQL and MariaDB are read by connectorx over windows of the primary key: each window starts after the last key of the
one before, and while a page is written the next one is read. A few rows are read in one statement by whatever index
fits. A table without such a key, and any other database, is streamed through its SQLAlchemy driver.

Data flow: condition -> statements -> arrow tables of the layout
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sources.catalog.choice import Choice
from sources.catalog.database import SECONDS, SETTING, patience
from sources.catalog.kinds import Column
from sources.catalog.layout import Layout
from sources.catalog.sql import Sql
from sources.catalog.tables import PARTITION
from sources.catalog.view import View
from sources.problem import Problem

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

WINDOW = 40_000
MMAP_THRESHOLD, BYTES = -3, 131_072  # of glibc: mallopt(3)
Answer = TypeVar("Answer")
UNDERSTOOD = {"charset", *SECONDS}
"""Arguments of a MySQL URL that connectorx can do without; with any other the driver of the URL reads."""
OTHERWISE_ORDERED = ("enum", "instant")
"""Kinds whose order is not that of their literals: an ENUM is sorted by its index and compared as text, a TIMESTAMP is
selected as a number."""


@dataclass(frozen=True)
class Reader:
    """Reads rows of one table.

    Attributes:
        engine: The catalog.
        choice: The table.
        layout: What a page looks like.
        window: Rows of a page.
    """

    engine: "sa.Engine"
    choice: Choice
    layout: Layout
    window: int = WINDOW

    def pages(self, where: str | None, rows: int | None) -> Iterator["pa.Table"]:
        """Read the rows of a condition.

        Args:
            where: A condition; None reads the whole table.
            rows: How many there are, if that is known.

        Raises:
            Problem: A value does not fit its column, or the database fails.
        """
        if not self._by_connectorx:
            return self._streamed(where)
        few = self._count(where) if rows is None else rows
        if few <= self.window:
            return self._at_once(where)
        return self._windows(where) if self._has_windows else self._streamed(where)

    @property
    def _sql(self) -> Sql:
        return Sql.over(self.engine, self.choice)

    @property
    def _by_connectorx(self) -> bool:
        compared = (self.choice.cursor, self.choice.partition)
        on_session_time = any(column is not None and column.kind == "instant" for column in compared)
        return self._sql.dialect == "mysql" and set(self.engine.url.query) <= UNDERSTOOD and not on_session_time

    @property
    def _has_windows(self) -> bool:
        key = self.choice.key
        return bool(key) and all(column.kind not in OTHERWISE_ORDERED for column in key)

    def _count(self, where: str | None) -> int:
        with self.engine.connect() as connection:
            view = View(connection, self._sql)
            query = f"select count(*) from {self._sql.table}" + (f" where {where}" if where else "")
            return int(next(view.rows(query))[0])

    def _select(self, where: str | None) -> tuple[list[str], str]:
        """Names, and the statement without its order."""
        sql = self._sql
        shown = {column.name: _shown(sql, column) for column in self.choice.columns}
        if self.choice.partition is not None:
            shown[PARTITION] = sql.partition_label()
        parts = ", ".join(f"{expression} as {sql.name(name)}" for name, expression in shown.items())
        return list(shown), f"select {parts} from {sql.table}" + (f" where {where}" if where else "")

    def _streamed(self, where: str | None) -> Iterator["pa.Table"]:
        names, query = self._select(where)
        batch: list[tuple[Any, ...]] = []
        with self.engine.connect() as connection:
            for row in View(connection, self._sql).rows(query):
                batch.append(row)
                if len(batch) == self.window:
                    yield self.layout.from_rows(names, batch, self._sql.dialect)
                    batch = []
        if batch:
            yield self.layout.from_rows(names, batch, self._sql.dialect)

    def _at_once(self, where: str | None) -> Iterator["pa.Table"]:
        page = self._fetch(self._select(where)[1])
        if page.num_rows:
            yield self.layout.page(page)

    def _windows(self, where: str | None) -> Iterator["pa.Table"]:
        _give_memory_back()
        # with the table's name: a bare one would mean what is selected under it, which may be a text
        order = ", ".join(f"{self._sql.table}.{self._sql.name(column.name)}" for column in self.choice.key)
        with ThreadPoolExecutor(1) as ahead:

            def read(condition: str | None) -> "Future[pa.Table]":
                forced = f"{self._sql.table} force index (primary)"
                query = self._select(condition)[1].replace(f" from {self._sql.table}", f" from {forced}", 1)
                return ahead.submit(self._fetch, f"{query} order by {order} limit {self.window}")

            coming: Future[pa.Table] | None = read(where)
            while coming is not None:
                page = coming.result()
                coming = None
                if page.num_rows == self.window:
                    after = self._sql.after_key([page[column.name][-1].as_py() for column in self.choice.key])
                    coming = read(f"({where}) and {after}" if where else after)
                if page.num_rows:
                    yield self.layout.page(page)

    def _fetch(self, query: str) -> "pa.Table":
        import connectorx

        seconds = patience(self.engine.url)
        try:
            return _within(
                seconds, lambda: connectorx.read_sql(self._url, query, return_type="arrow", protocol="binary")
            )
        except TimeoutError:
            raise Problem(
                f"Reading the catalog's table {self.choice.table} failed: {seconds} s brought no whole page of "
                f"{self.window:,} rows. Nothing of this read counts. Check the database and {SETTING}, which gives a "
                "slow one more time with ?read_timeout=SECONDS."
            ) from None
        except BaseException as error:
            # a panic in connectorx's rust is no Exception
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                said = str(error).replace(self._url, "the catalog").splitlines()
                raise Problem(
                    f"Reading the catalog's table {self.choice.table} failed: {said[0] if said else error!r}. "
                    f"Nothing of this read counts. Check the database and {SETTING}, then run again."
                ) from error
            raise

    @property
    def _url(self) -> str:
        # else the driver asks a server on loopback for its socket, which behind a tunnel is another server's
        bare = self.engine.url.set(drivername="mysql", query={"prefer_socket": "false"})
        return bare.render_as_string(hide_password=False)


def _give_memory_back() -> None:
    """Have what a page took returned when it is freed.

    glibc learns from large blocks that are freed to keep the next ones in its heaps, one for each of connectorx's
    threads, which then hold parts of pages for good: 300 MB more at a million rows. Naming the limit ends the learning.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, BYTES)


def _within(seconds: int, ask: "Callable[[], pa.Table]") -> "pa.Table":
    """An answer, or a TimeoutError: connectorx knows none."""
    return beside(ask).result(seconds)


def beside(ask: "Callable[[], Answer]") -> "Future[Answer]":
    """Ask in a thread of its own, which keeps no process alive when it hangs."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer


def _shown(sql: Sql, column: Column) -> str:
    """A column as it is selected: what drivers read differently, or not at all, is sent as text or number."""
    name = sql.name(column.name)
    if sql.dialect != "mysql":
        return f"cast({name} as text)" if sql.dialect == "postgresql" and column.kind == "json" else name
    if column.kind in ("timestamp", "date"):
        return f"if(month({name}) = 0 or dayofmonth({name}) = 0, null, {name})"
    if column.kind == "instant":
        return f"nullif(cast(unix_timestamp({name}) * 1000000 as signed), 0)"
    if column.kind in ("decimal", "time", "other"):
        return f"cast({name} as char)"
    if column.kind == "bit":
        return f"cast({name} as unsigned)"
    return f"convert({name} using utf8mb4)" if column.kind == "json" else name
