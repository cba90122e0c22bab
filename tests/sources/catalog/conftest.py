"""A catalog, a lake of its own, and the rule by which silver reads bronze, written a second time in plain Python."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from sources.catalog import Extract, extract, nothing_new
from sources.catalog.checksum import number
from sources.catalog.choice import Default
from sources.catalog.database import open_database
from sources.catalog.schema import create_tables
from sources.catalog.tables import CATALOG
from sources.table import LOAD_ID

KEYS = {table.name: table.key[0] for table in CATALOG}


@dataclass
class House:
    """A catalog database and the lake that follows it."""

    url: str
    folder: Path
    settings: dict[str, Default] = field(default_factory=dict)

    def pipeline(self) -> dlt.Pipeline:
        return dlt.pipeline(
            "catalog",
            destination=dlt.destinations.filesystem(bucket_url=(self.folder / "lake").as_uri()),
            dataset_name="catalog",
            pipelines_dir=str(self.folder / "pipelines"),
        )

    def extract(self, **asked: Any) -> dict[str, Extract]:
        return {done.table: done for done in extract(self.pipeline(), self.url, self.settings, **asked)}

    def nothing_new(self) -> bool:
        return nothing_new(self.folder / "pipelines", self.url, self.settings)

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        engine = open_database(self.url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def do(self, *statements: str) -> None:
        with self.connected() as connection:
            for statement in statements:
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            return [tuple(row) for row in connection.execution_options(no_parameters=True).exec_driver_sql(query)]

    def source(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(self.ask(f"select {', '.join(columns)} from {table}"), key=repr)

    def bronze(self, table: str) -> list[dict[str, Any]]:
        """Every committed row, oldest load first."""
        lake = self.folder / "lake/catalog"
        entries = [*lake.glob("_dlt_loads/*.jsonl"), *lake.glob("_dlt_pipeline_state/*.jsonl")]
        committed = {entry.stem.split("__")[1] for entry in entries if entry.name.startswith("catalog__")}
        files = [file for file in lake.glob(f"{table}/*.parquet") if file.name.rsplit(".", 2)[0] in committed]
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        return sorted(rows, key=lambda row: str(row[LOAD_ID]))

    def extracts(self, table: str) -> list[dict[str, Any]]:
        return [row for row in self.bronze("extracts") if row["table_name"] == table]

    def silver(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """The rows that silver shows: see the rule in the catalog's README."""
        key, said = KEYS[table], self.extracts(table)
        bases = [
            row[LOAD_ID]
            for row in said
            if row["is_complete"] and row["lower_bound"] is None and row["partition"] is None
        ]
        if not bases:
            return []
        newest: dict[str, str] = {}
        for row in said:
            if row["partition"] is not None:
                newest[row["partition"]] = max(row[LOAD_ID], newest.get(row["partition"], ""))
        latest: dict[str, dict[str, Any]] = {}
        for row in self.bronze(table):
            outdated = row["_partition"] is not None and newest[row["_partition"]] != row[LOAD_ID]
            if row[key] is not None and row[LOAD_ID] >= max(bases) and not outdated:
                latest[row[key]] = row
        for stone in self.bronze("tombstones"):
            if (
                stone["table_name"] == table
                and stone["key"] in latest
                and stone[LOAD_ID] > latest[stone["key"]][LOAD_ID]
            ):
                del latest[stone["key"]]
        return sorted((tuple(row[name] for name in columns) for row in latest.values()), key=repr)

    def check(self, *tables: str) -> None:
        """Silver equals the source, and the last extract of a table tells the source's count."""
        for table in tables or tuple(KEYS):
            columns = (KEYS[table], "name", "track_id")
            held = self.silver(table, *columns)
            assert held == self.source(table, *columns), table
            last, keys = self.extracts(table)[-1], [number(str(key)) for key, *_ in held]
            assert last["table_rows"] in (None, len(keys)), table
            assert last["table_checksum"] in (None, sum(keys)), table


@pytest.fixture(autouse=True)
def _quiet_dlt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))


@pytest.fixture
def open_house(tmp_path: Path) -> Callable[..., House]:
    """A house over a database of this URL, with empty catalog tables unless it is to be bare."""

    def make(url: str | None = None, folder: Path | None = None, *, bare: bool = False, **settings: Default) -> House:
        place = folder or tmp_path
        address = url or f"sqlite:///{place}/catalog.db"
        engine = open_database(address, create=True)
        if bare:
            engine.connect().close()
        else:
            create_tables(engine)
        engine.dispose()
        return House(address, place, {f"spotify_{name}": value for name, value in settings.items()})

    return make
