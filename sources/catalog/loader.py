"""The table loader that dlt's `sql_database` runs for the catalog: a plan's rows, then what they cover.

Registered with dlt under the name `key_window`. Rows, the extract row, tombstones and the new state go into one load
package: either all of it is in the lake, or nothing is.

Data flow: Plan -> pages -> (comparison with the lake) -> late rows, tombstones -> extract rows, state
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.libs.pyarrow import get_column_type_from_py_arrow
from dlt.sources.sql_database import BaseTableLoader

from sources.catalog.checksum import Tally
from sources.catalog.choice import Choice
from sources.catalog.database import explained
from sources.catalog.layout import Layout, Misfit, NameOf, layout_of
from sources.catalog.ledger import Bronze, Ledger
from sources.catalog.plan import Ask, Piece, Plan, State, make_plan
from sources.catalog.reader import Reader, beside
from sources.catalog.sql import Sql, any_of
from sources.catalog.tables import EXTRACTS, TOMBSTONES
from sources.catalog.view import Measure, View
from sources.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

BACKEND = "key_window"
KEYS_AT_ONCE = 500
ROWS_PER_BUCKET = 2_000
MOST_BUCKETS = 4_096
BATCH = 50_000
UNREAD = ""
"""The print of a date of which other rows were read than it had: it equals no other, not even that of an empty date."""

log = logging.getLogger("lakehouse.catalog")


@dataclass
class Task:
    """What a loader is told, and what it tells back.

    Attributes:
        choice: How the table is read.
        ask: What is asked of the run.
        bronze: Reads what the lake holds.
        plan: What to read; None decides when the rows are asked for.
        progress: Told the table's name and the rows read so far.
        read: The rows that went to the lake.
        tombstones: The keys that were found to be gone.
    """

    choice: Choice
    ask: Ask
    bronze: Bronze
    plan: Plan | None = None
    progress: Any = lambda _table, _rows: None
    read: Tally = field(default_factory=Tally)
    tombstones: int = 0


class KeyWindowLoader(BaseTableLoader):
    """Loads a table of the catalog as its task says."""

    def load_rows(self, backend_kwargs: dict[str, Any] | None = None) -> Iterator[Any]:
        """Read the pages of the plan, then what they cover; nothing when nothing is new."""
        task: Task = (backend_kwargs or {})["task"]
        state = dlt.current.resource_state(task.choice.table)
        plan = task.plan or self._plan(task, state)
        if plan is None:
            return
        layout = layout_of(plan.choice, Sql.over(self.engine, plan.choice).dialect, _name_in(plan.choice.table))
        ledger = Ledger(plan.choice, layout, remember=plan.compare)
        try:
            with explained(self.engine, f"Reading the catalog's table {task.choice.table}"):
                yield from _Load(self.engine, task, plan, layout, ledger, state).rows()
        finally:
            ledger.close()

    def _plan(self, task: Task, state: State) -> Plan | None:
        with self.engine.connect() as connection:
            return make_plan(View.of(connection, task.choice), state, task.ask)


@dataclass
class _Load:
    """One table's share of a load package."""

    engine: Any
    task: Task
    plan: Plan
    layout: Layout
    ledger: Ledger
    state: dict[str, Any]
    labels: dict[str | None, Tally] = field(default_factory=dict)

    def rows(self) -> Iterator[Any]:
        counting = beside(self._count) if self.plan.counts else None
        for piece in self.plan.pieces:
            yield from self._pages(piece)
        if counting is not None:
            counted = counting.result()
            self.plan = replace(self.plan, counted=counted, later=self.plan.later | {"rows": counted})
        held, source = self._own_tallies()
        if self.plan.compare and held != source:
            gone: list[str] = []
            held, source = None, None
            for found in self._compare(gone):
                if isinstance(found, tuple):
                    held, source = found
                else:
                    yield found
            if gone:
                self.task.tombstones = len(gone)
                yield _beside(TOMBSTONES, [_tombstone(self.plan.choice.table, key) for key in gone])
        yield _beside(EXTRACTS, self._extracts(source))
        self._remember(held, source)

    def _remember(self, held: Tally | None, source: Tally | None) -> None:
        """Keep the state of the next run, in which what was read otherwise than counted is not known."""
        self.state.clear()
        self.state.update(self.plan.later | ({"held": held.stored()} if held else {}))
        if self.plan.choice.strategy == "full" and source is None:
            self.state.pop("content")
        if self.plan.choice.strategy == "partition":
            self.state["partitions"] |= dict.fromkeys(self._doubtful(), UNREAD)

    def _count(self) -> int:
        with self.engine.connect() as connection:
            return View.of(connection, self.plan.choice).count()

    def _own_tallies(self) -> tuple[Tally | None, Tally | None]:
        """What the lake holds and what the source has, as far as pages and plan tell."""
        plan, read = self.plan, self.task.read
        if plan.choice.strategy == "watermark" and not plan.is_base:
            expected = (plan.held, plan.held + read) if plan.held else ()
            return (plan.source if plan.source in expected else None), plan.source
        same = plan.expected and (plan.expected.rows, plan.expected.keys) == (read.rows, read.keys)
        if plan.expected and not same:
            self._demand_a_change(plan.expected)
            log.warning("%s changed while it was read; it is looked at again next time", plan.choice.table)
        return read, plan.source if same else None

    def _doubtful(self) -> list[str]:
        """Dates of which other rows were read than expected."""
        pairs = ((label, self.labels.get(label, Tally()), self.plan.dated.get(label, Tally())) for label in self._read)
        return [label for label, read, told in pairs if (read.rows, read.keys) != (told.rows, told.keys)]

    @property
    def _read(self) -> list[str]:
        """Dates that were read, whether or not they have rows."""
        return sorted({*self.plan.partitions, *(label for label in self.labels if label is not None)})

    def _demand_a_change(self, expected: Tally) -> None:
        """Make sure that a table has changed if another number of rows was read than it told before.

        Raises:
            Misfit: It still tells the same, so that the read is wrong, and would be on every run.
        """
        choice, rows = self.plan.choice, self.task.read.rows
        wheres = [piece.where for piece in self.plan.pieces if piece.where]
        with self.engine.connect() as connection:
            view = View.of(connection, choice)
            measure: Measure = "cursor" if choice.strategy == "watermark" else "content"
            if rows == expected.rows or view.tally(measure, any_of(wheres) if wheres else None) != expected:
                return
        raise Misfit(
            f"Reading the catalog's table {choice.table} brought {rows:,} rows where it has {expected.rows:,}, though "
            "it did not change meanwhile. Nothing of this table was loaded; run again, and if that brings the same, "
            f"tell the developers, with the table's primary key ({', '.join(part.name for part in choice.key)}).",
            choice.table,
        )

    def _pages(self, piece: Piece) -> Iterator["pa.Table"]:
        for page in Reader(self.engine, self.plan.choice, self.layout).pages(piece.where, piece.rows):
            for label, tally in self.ledger.add(page).items():
                self.labels[label] = self.labels.get(label, Tally()) + tally
                self.task.read += tally
            self.task.progress(self.plan.choice.table, self.task.read.rows)
            yield page

    def _compare(self, gone: list[str]) -> Iterator[Any]:
        """Yield late rows, fill `gone`, and end with (held, source) as they are then."""
        self.ledger.hold(self.task.bronze)
        with self.engine.connect() as connection:
            view = View.of(connection, self.plan.choice)
            where = view.sql.up_to(self.plan.later["bound"])
            of = min(MOST_BUCKETS, int(self.plan.later["rows"]) // ROWS_PER_BUCKET + 1)
            there, here = view.tallies("cursor", where, by=of), self.ledger.buckets(of)
            differing = sorted(b for b in there.keys() | here.keys() if there.get(b) != here.get(b))
            moved = 0
            if differing:
                found = self.ledger.differ(_batches(view.keys(where, differing, of)), differing, of)
                alive = view.alive(found.gone)
                gone.extend(key for key in found.gone if key not in alive)
                moved = len(alive)
                for start in range(0, len(found.late), KEYS_AT_ONCE):
                    keys = found.late[start : start + KEYS_AT_ONCE]
                    yield from self._pages(Piece(f"{view.sql.with_ids(keys)} and {where}", len(keys)))
        source = sum(there.values(), Tally())
        yield self.ledger.settle(gone), source if not moved else None

    def _extracts(self, source: Tally | None) -> list[dict[str, Any]]:
        plan = self.plan
        whole = [(None, plan.lower, plan.upper, self.task.read)]
        parts = [(label, label, label, self.labels.get(label, Tally())) for label in self._read]
        counted = plan.counted if plan.counted == self.task.read.rows and plan.expected is None else None
        wanted = [*(whole if plan.is_base else []), *parts] if plan.choice.strategy == "partition" else whole
        return [
            {
                "table_name": plan.choice.table,
                "strategy": plan.choice.strategy,
                "partition": label,
                "lower_bound": lower,
                "upper_bound": upper,
                "row_count": tally.rows,
                "key_checksum": Decimal(tally.keys),
                "is_complete": True,
                "extracted_at": self.task.ask.now,
                "table_rows": source.rows if source else counted,
                "table_checksum": Decimal(source.keys) if source else None,
            }
            for label, lower, upper, tally in wanted
        ]


def _name_in(table: str) -> NameOf:
    """Names as dlt writes them.

    A column that comes with another type than the lake has gets a column of its own, as dlt does with dict rows.
    """
    schema = dlt.current.source_schema()
    known = schema.tables[table]["columns"] if table in schema.tables else {}

    def name_of(name: str, arrow_type: Any) -> str:
        here = schema.naming.normalize_identifier(name)
        there = known.get(here, {}).get("data_type")
        kind = get_column_type_from_py_arrow(arrow_type)["data_type"]
        return here if there in (None, kind) else f"{here}__v_{kind}"

    return name_of


def _tombstone(table: str, key: str) -> dict[str, Any]:
    return {"table_name": table, "key": key, "found_at": datetime.now(UTC)}


def _batches(rows: Iterator[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _beside(table: Table, rows: list[dict[str, Any]]) -> Any:
    """Rows for another table of the same package."""
    import pyarrow as pa

    page = pa.Table.from_pylist(rows, schema=table.arrow_schema)
    hints = dlt.mark.make_hints(table_name=table.name, write_disposition="append")
    return dlt.mark.with_hints(page, hints, create_table_variant=True)
