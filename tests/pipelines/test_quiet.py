"""A run with nothing new stays light: what it imports, asked of a real process, and how often it looks at the lake."""

import re
import subprocess
import sys

import pytest

from pipelines.embedded import surround
from pipelines.ingest import Plan, ingest
from pipelines.settings import load
from pipelines.store import Folder
from tests.environment import ROOT, Environment

HEAVY = {
    *("dbt", "duckdb", "pyarrow", "pandas", "numpy", "connectorx", "marimo", "altair", "ibis", "adbc_driver_manager"),
    *("sandbox.catalog", "sandbox.listener", "sandbox.export", "dlt.sources.sql_database"),
    *("redis", "opentelemetry.sdk", "botocore", "s3fs", "aiohttp", "jinja2", "psycopg2"),
}
IMPORTED = re.compile(r"^import time:[^|]*\|[^|]*\|\s*(?P<module>\S+)", re.MULTILINE)


def test_a_quiet_run_imports_no_engine_no_generator_and_no_pipeline(copied: Environment) -> None:
    assert copied.run().returncode == 0  # an answer that a copy keeps by path is found once
    quiet = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "pipelines" / "run.py")],
        check=True, cwd=ROOT, env=copied.variables, capture_output=True, text=True,
    )  # fmt: skip
    imported = {match["module"] for match in IMPORTED.finditer(quiet.stderr)}
    assert "nothing new" in quiet.stdout
    assert {"dlt", "pipelines.flow"} <= imported
    assert imported & HEAVY == set()


def test_a_quiet_ingest_lists_the_lake_once_for_all_sources(
    copied: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKEHOUSE__DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, copied.variables[name])
    listed: list[str] = []
    walk = Folder.walk
    with surround(load()) as around:
        ingest(around, Plan())  # an answer that a copy keeps by path is found once
        monkeypatch.setattr(Folder, "walk", lambda store, folder: listed.append(folder) or walk(store, folder))
        loaded = ingest(around, Plan())
    assert [(source.rows, source.problems) for source in loaded] == [(0, ())] * 4
    assert sorted(listed) == ["_manifests", "catalog", "curation", "spotify_api", "spotify_export"]
