"""The keys of a load and of the lake, side by side: what is gone from the source, and what came late.

DuckDB in a temporary folder holds them, so that a hundred million keys leave memory. A key is a row's id, as the lake
writes it, whatever the source's primary key: silver knows no other.

Data flow: pages, bronze files -> keys and cursors -> Tally, keys that are gone, keys that are late
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sources.catalog.checksum import Tally
from sources.catalog.choice import IDS, Choice
from sources.catalog.kinds import NUMBERS, TIMES
from sources.catalog.tables import EXTRACTS, TOMBSTONES
from sources.table import LOAD_ID

if TYPE_CHECKING:
    import pyarrow as pa

    from sources.catalog.layout import Layout

Bronze = Callable[[str, tuple[str, ...]], Iterable["pa.Table"]]
"""Pages of a bronze table's committed files: table, columns -> those columns and `_dlt_load_id`."""

NUMBER = "('0x' || left(md5({key}), 15))::bigint"


@dataclass(frozen=True)
class Difference:
    """What the lake and the source disagree about.

    Attributes:
        gone: Keys that the lake holds and the source has no more.
        late: Keys whose row in the source is not the one in the lake.
    """

    gone: list[str]
    late: list[str]


class Ledger:
    """Keys and cursors of one table; close it after use."""

    def __init__(self, choice: Choice, layout: "Layout", *, remember: bool) -> None:
        import duckdb

        self._choice = choice
        self._cursor = layout.name_of(choice.cursor) if choice.cursor else ""
        self._remember = remember
        self._folder = tempfile.TemporaryDirectory(prefix="catalog-")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": self._folder.name,
            "threads": 2,
            "memory_limit": "1GB",
        }
        self._duck = duckdb.connect(":memory:", config=settings)
        self._whole = "hugeint" if choice.cursor and choice.cursor.kind == "unsigned" else "bigint"
        self._duck.execute(f"create table fresh (key varchar, cursor {self._whole})")

    def close(self) -> None:
        """Free the memory and the temporary folder."""
        self._duck.close()
        self._folder.cleanup()

    def add(self, page: "pa.Table") -> dict[str | None, Tally]:
        """Count a page that goes to the lake, by partition; remember its keys if a comparison follows."""
        key, cursor = self._expressions()
        label = '"_partition"' if self._choice.partition else "null"
        number = NUMBER.format(key="key")
        self._duck.register("page", page)
        query = f"select {label} as label, {key} as key, {cursor} as cursor from page"
        counted = self._duck.execute(
            f"select label, count(*), coalesce(sum({number}), 0), sum(cursor) from ({query}) group by label"
        ).fetchall()
        if self._remember:
            self._duck.execute(f"insert into fresh select key, cursor from ({query})")
        self._duck.unregister("page")
        return {name: Tally(int(rows), int(keys), int(total)) for name, rows, keys, total in counted}

    def hold(self, bronze: Bronze) -> None:
        """Take what the lake holds now, and put the pages added so far over it."""
        table = self._choice.table
        cursor_name = (self._cursor,) if self._cursor else ()
        key, cursor = self._expressions()
        self._collect("seen", f"{key} as key, {cursor} as cursor", bronze(table, (self._id, *cursor_name)))
        extracts = bronze(EXTRACTS.name, ("table_name", "lower_bound", "is_complete", "partition"))
        self._collect("extracts", "*", extracts, f"table_name = '{table}'")
        stones = bronze(TOMBSTONES.name, ("table_name", "key"))
        self._collect("stones", "table_name, key", stones, f"table_name = '{table}'")
        self._duck.execute(
            """create table held as
            with latest as (
                select key, cursor, load from seen
                where load >= (
                    select max(load) from extracts
                    where is_complete and lower_bound is null and partition is null
                )
                qualify row_number() over (partition by key order by load desc, cursor desc) = 1
            ),
            gone as (select key, max(load) as load from stones group by key)
            select l.key, l.cursor from latest as l
            left join gone as g on l.key = g.key and g.load >= l.load
            where g.key is null
            """
        )
        self._overlay()

    def buckets(self, count: int) -> dict[int, Tally]:
        """What the lake holds, by bucket of the key's number."""
        number = NUMBER.format(key="key")
        query = f"select {number} % {count} as bucket, count(*), sum({number}), sum(cursor) from held group by bucket"
        return {int(b): Tally(int(r), int(k), int(c)) for b, r, k, c in self._duck.execute(query).fetchall()}

    def differ(self, there: Iterable[list[tuple[str, int]]], buckets: list[int], of: int) -> Difference:
        """Compare some buckets with the source's keys and cursors, given in batches."""
        import pyarrow as pa

        self._duck.execute(f"create or replace table there (key varchar, cursor {self._whole})")
        kind = pa.int64() if self._whole == "bigint" else pa.decimal128(38)
        for rows in there:
            keys, cursors = zip(*rows, strict=True)
            batch = pa.table({"key": pa.array(keys, pa.string()), "cursor": pa.array(cursors, kind)})
            self._duck.register("batch", batch)
            self._duck.execute("insert into there select key, cursor from batch")
            self._duck.unregister("batch")
        inside = f"{NUMBER.format(key='key')} % {of} in ({', '.join(map(str, buckets))})"
        gone = f"select key from held where {inside} and key not in (select key from there) "
        gone += "and key not in (select key from fresh)"
        late = "select key from there where (key, cursor) not in (select (key, cursor) from held)"
        return Difference(*([key for (key,) in self._duck.execute(query).fetchall()] for query in (gone, late)))

    def settle(self, gone: list[str]) -> Tally:
        """What the lake holds once pages and tombstones are in it."""
        if gone:
            self._duck.execute("delete from held where key in (select unnest(?))", [gone])
        self._overlay()
        return sum(self.buckets(1).values(), Tally())

    def _overlay(self) -> None:
        self._duck.execute("delete from held where key in (select key from fresh)")
        self._duck.execute("insert into held select key, cursor from fresh")

    def _collect(self, name: str, selected: str, pages: Iterable["pa.Table"], where: str = "true") -> None:
        """Gather pages into a table; none at all leave an empty one."""
        made = False
        for page in pages:
            self._duck.register("page", page)
            verb = f"insert into {name}" if made else f"create table {name} as"
            query = f'select {selected}, "{LOAD_ID}" as load from page where {where}'
            self._duck.execute(f"{verb} {query}")
            self._duck.unregister("page")
            made = True
        if not made:
            columns = f"key varchar, cursor {self._whole}, table_name varchar, lower_bound varchar, is_complete boolean"
            self._duck.execute(f"create table {name} ({columns}, partition varchar, load varchar)")

    def _expressions(self) -> tuple[str, str]:
        """Key and cursor of a bronze row."""
        return _quoted(self._id), f"{_cursor_expression(self._choice, self._cursor)}::{self._whole}"

    @property
    def _id(self) -> str:
        return IDS[self._choice.table]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cursor_expression(choice: Choice, here: str) -> str:
    if choice.cursor is None:
        return "0::bigint"
    name = _quoted(here)
    if choice.cursor.kind in TIMES:
        value: Any = f"epoch_us({name})"
    elif choice.cursor.kind in NUMBERS:
        value = name
    else:
        value = NUMBER.format(key=f"{name}::varchar")
    return f"coalesce({value}, -1)"
