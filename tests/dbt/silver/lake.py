"""Bronze made by a test from the declared tables, and silver made of it by dbt, in one DuckDB file.

Data flow: rows of a test -> bronze tables -> dbt -> rows of silver
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.bronze import LOSSES
from sources.catalog.tables import TABLES as CATALOG
from sources.curation.tables import TABLES as CURATION
from sources.spotify_api.tables import TABLES as SPOTIFY_API
from sources.spotify_export.tables import TABLES as SPOTIFY_EXPORT
from sources.table import LOAD_ID, Table

PROJECT = Path(__file__).parents[3] / "dbt"
TABLES: dict[str, Table] = {
    f"{source}__{table.name}": table
    for source, tables in {
        "catalog": CATALOG, "spotify_api": SPOTIFY_API, "spotify_export": SPOTIFY_EXPORT, "curation": CURATION,
    }.items()
    for table in tables
} | {"lake__losses": LOSSES}  # fmt: skip

Row = Mapping[str, Any]


class Lake:
    """A build file whose bronze a test fills; it is empty at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "lakehouse.duckdb"
        self._statements: dict[str, list[str]] = {}
        with self._open() as con:
            con.execute("create schema bronze")
            for name, table in TABLES.items():
                columns = ", ".join(f'"{column}" {kind}' for column, kind in table.columns.items())
                con.execute(f"create table bronze.{name} ({columns}, {LOAD_ID} varchar)")

    def _open(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(str(self.path))
        con.execute("set TimeZone = 'UTC'")
        return con

    def add(self, table: str, rows: Iterable[Row], load: int = 1) -> None:
        """Append the rows of one load package; columns that a row lacks are null."""
        schema = TABLES[table].arrow_schema
        full = [{name: row.get(name) for name in schema.names} | {LOAD_ID: str(load)} for row in rows]
        for row, given in zip(full, rows, strict=True):
            assert set(given) <= set(row), set(given) - set(row)
        arrow = pa.Table.from_pylist(full, schema.append(pa.field(LOAD_ID, pa.string())))  # noqa: F841
        with self._open() as con:
            con.execute(f"insert into bronze.{table} select * from arrow")

    def clear(self, keep: str = "") -> None:
        """Empty bronze, but for one table."""
        with self._open() as con:
            for name in TABLES.keys() - {keep}:
                con.execute(f"delete from bronze.{name}")

    def build(self, select: str = "path:models/silver", **variables: object) -> None:
        """Make silver. dbt does it the first time; later its own statements are run again, in its order, without it."""
        key = json.dumps([select, variables])
        if key not in self._statements:
            self._statements[key] = self._run_dbt(select, variables)
            return
        with self._open() as con:
            for statement in self._statements[key]:
                con.execute(statement)

    def check(self, select: str = "path:models/silver") -> int:
        """Run the data tests and unit tests of dbt over what was made; return how many passed."""
        return len(self._dbt("test", select, {}))

    def _run_dbt(self, select: str, variables: dict[str, object]) -> list[str]:
        results = self._dbt("run", select, variables)
        models = [r.node for r in results if r.node.resource_type == "model"]
        kinds = {"tail": "table"}
        return [
            f"create or replace {kinds.get(kind := m.config.materialized, kind)} {m.relation_name} as ({m.compiled_code})"
            for m in models
        ]

    def build_tail(self, fresh_from: datetime, select: str) -> None:
        """Make, out of what was made before, what plays since a moment change; by dbt."""
        os.environ["LAKEHOUSE_FRESH_FROM"] = fresh_from.isoformat()
        try:
            self._dbt("run", select, {})
        finally:
            del os.environ["LAKEHOUSE_FRESH_FROM"]

    def _dbt(self, command: str, select: str, variables: dict[str, object]) -> list[Any]:
        from dbt.cli.main import dbtRunner

        os.environ["LAKEHOUSE_BUILD_FILE"] = str(self.path)
        result = dbtRunner().invoke([
            "--quiet", command, "--select", select, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(self.folder.parent / "target"), "--log-path", str(self.folder.parent / "logs"),
            "--vars", json.dumps({"timezone": "UTC"} | variables),
        ])  # fmt: skip
        results = getattr(result.result, "results", None) or []
        broken = [f"{r.node.name}: {r.message}" for r in results if str(r.status) in ("error", "fail")]
        assert result.success, (result.exception, broken)
        return list(results)

    def plans(self, select: str = "path:models/silver") -> list[tuple[str, str]]:
        """Name of each model that was made, and how DuckDB would make it."""
        found = []
        with self._open() as con:
            for statement in self._statements[json.dumps([select, {}])]:
                name = statement.partition(" as (")[0].rpartition(".")[2].strip('"')
                rows = con.execute(f"explain {statement.partition(' as ')[2]}").fetchall()
                found.append((name, "".join(row[1] for row in rows)))
        return found

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of one statement over bronze and silver."""
        with self._open() as con:
            return con.execute(sql, values).fetchall()

    def rows(self, table: str, order: str = "all") -> list[dict[str, Any]]:
        """All rows of a silver table as dicts, in a stable order."""
        with self._open() as con:
            result = con.execute(f"select * from silver.{table} order by {order}")
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def at(text: str) -> datetime:
    """A moment in UTC from ISO text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
