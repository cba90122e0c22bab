"""A run with nothing new stays light: what it imports, asked of a real process."""

import re
import subprocess
import sys

from tests.environment import ROOT, Environment

HEAVY = {
    *("dbt", "duckdb", "pyarrow", "pandas", "numpy", "connectorx", "marimo", "altair", "ibis", "adbc_driver_manager"),
    *("sandbox.catalog", "sandbox.listener", "sandbox.export", "dlt.sources.sql_database"),
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
