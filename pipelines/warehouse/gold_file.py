"""A DuckDB file of gold in the making.

It starts as a copy of the generation before, of which only what changed is made again: copying a file is many times
quicker than filling one. Whoever has it made compares every value afterwards, and has it filled from nothing where
somebody had written to the file.

Data flow: build database, file of the generation before -> file of the new one
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from pipelines.warehouse import GOLD, TableState, evolution, months
from pipelines.warehouse.gold import GoldTable, measure

if TYPE_CHECKING:
    import duckdb

CATALOG = "warehouse"


@dataclass(frozen=True)
class GoldFile:
    """A file in the making, attached as the warehouse.

    Attributes:
        connection: The build is attached to it.
        place: The file.
        tables: What it shall hold.
        built: What the build holds.
        columns: The columns of each table, in order.
    """

    connection: "duckdb.DuckDBPyConnection"
    place: Path
    tables: Sequence[GoldTable]
    built: Mapping[str, TableState]
    columns: Mapping[str, evolution.Columns]

    def fill(self) -> dict[str, TableState]:
        """Make it from nothing."""
        self._attach(None)
        self.connection.execute(f"create schema {CATALOG}.{GOLD}")
        for table in self.tables:
            self._make(table)
        return self._measured()

    def change(self, before: Path, states: Mapping[str, TableState]) -> dict[str, TableState] | None:
        """Make it from the file of a generation; None where that holds much that nobody needs any more."""
        self._attach(before)
        if self._is_bloated():
            return None
        for name in states.keys() - self.built.keys():
            self.connection.execute(f"drop table {CATALOG}.{GOLD}.{quote(name)}")
        for table in self.tables:
            self._bring(table, states.get(table.name))
        return self._measured()

    def is_like(self, found: Mapping[str, TableState]) -> bool:
        """Whether every value is the build's; a table whose columns stand in another order was made whole."""
        return all(
            list(found[name].columns) == list(self.columns[name])
            and (found[name].digest == state.digest or list(found[name].columns) != list(state.columns))
            for name, state in self.built.items()
        )

    def _attach(self, before: Path | None) -> None:
        self.connection.execute(f"detach database if exists {CATALOG}")
        self.place.unlink(missing_ok=True)
        if before:
            shutil.copyfile(before, self.place)
        self.connection.execute(f"attach {literal(str(self.place))} as {CATALOG}")

    def _is_bloated(self) -> bool:
        query = f"select free_blocks, total_blocks from pragma_database_size() where database_name = '{CATALOG}'"
        ((free, total),) = self.connection.execute(query).fetchall()
        return int(free) * 3 > int(total)

    def _bring(self, table: GoldTable, before: TableState | None) -> None:
        built = self.built[table.name]
        place = f"{CATALOG}.{GOLD}.{quote(table.name)}"
        is_alike = before is not None and list(before.columns) == list(built.columns)
        if is_alike and before == built:
            return self._comment(table)
        found = months.to_bring(built, before) if is_alike and table.at else None
        if found is None or table.at is None:
            self.connection.execute(f"drop table if exists {place}")
            return self._make(table)
        where = months.within(table.at, built.columns[table.at], found)
        self.connection.execute(f"delete from {place} where {where}")
        self.connection.execute(f"insert into {place} select * from build.{GOLD}.{quote(table.name)} where {where}")
        return self._comment(table)

    def _make(self, table: GoldTable) -> None:
        names = ", ".join(map(quote, self.columns[table.name]))
        source = f"build.{GOLD}.{quote(table.name)}"
        self.connection.execute(f"create table {CATALOG}.{GOLD}.{quote(table.name)} as select {names} from {source}")
        self._comment(table)

    def _comment(self, table: GoldTable) -> None:
        place = f"{CATALOG}.{GOLD}.{quote(table.name)}"
        self.connection.execute(f"comment on table {place} is {literal(table.description)}")
        for name, description in table.descriptions.items():
            self.connection.execute(f"comment on column {place}.{quote(name)} is {literal(description)}")

    def _measured(self) -> dict[str, TableState]:
        self.connection.execute(f"checkpoint {CATALOG}")
        return measure(self.connection, CATALOG, self.tables)
