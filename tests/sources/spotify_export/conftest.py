"""A lake of its own for each test: a real dlt pipeline into a folder, read back with DuckDB."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sources.spotify_export.load import import_paths
from sources.spotify_export.report import ImportReport


@dataclass(frozen=True)
class Lake:
    root: Path

    def pipeline(self) -> Any:
        import dlt

        return dlt.pipeline(
            "spotify_export",
            destination=dlt.destinations.filesystem(self.root.joinpath("lake").as_uri()),
            dataset_name="spotify_export",
            pipelines_dir=str(self.root / "pipelines"),
        )

    def take(self, *paths: Path, known: Collection[str] | None = None, **options: Any) -> ImportReport:
        return import_paths(self.pipeline, paths, self.file_ids() if known is None else known, **options)

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        files = [str(path) for path in self.root.glob(f"lake/spotify_export/{table}/*.parquet")]
        query = f"select {columns} from read_parquet($files, union_by_name = true) order by all"
        return duckdb.execute(query, {"files": files}).fetchall() if files else []

    def file_ids(self) -> set[str]:
        return {row[0] for row in self.rows("files", "file_id")}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    return Lake(tmp_path)
