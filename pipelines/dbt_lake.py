"""dbt-duckdb plugin: every connection that dbt opens can read the lake, in UTC, within bounds.

dbt's profile can name secrets only as text in a file; here they come from the settings and stay in memory. Who runs dbt
alone (`cd dbt && dbt build`) builds into a file of their own, dbt/lakehouse.duckdb, over the bronze of the last
build: the flow's own build file, whose mark says what it holds, is never touched.

Data flow: settings -> dbt's DuckDB connection; analysts' snapshot -> bronze views of a dbt that runs alone
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

from pipelines.duck import literal
from pipelines.lake_reader import open_lake
from pipelines.settings import ROOT, Settings, load
from pipelines.snapshot_file import snapshot_file
from sources.problem import UsageProblem

if TYPE_CHECKING:
    import duckdb


class Plugin(BasePlugin):
    """Named by `module: pipelines.dbt_lake` in dbt/profiles.yml."""

    def configure_connection(self, conn: "duckdb.DuckDBPyConnection") -> None:
        """Prepare a new connection."""
        settings = _settings()
        open_lake(conn, settings.lake)
        if settings.memory_limit:
            conn.execute(f"set memory_limit = {literal(settings.memory_limit)}")
        if "LAKEHOUSE_BUILD_FILE" not in os.environ:
            borrow_bronze(conn, snapshot_file(settings))

    def configure_cursor(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        """Prepare a new cursor; the session zone is not inherited from the connection."""
        cursor.execute("set timezone = 'UTC'")


def borrow_bronze(connection: "duckdb.DuckDBPyConnection", snapshot: Path) -> None:
    """Makes the bronze views of the last build in another file.

    Raises:
        UsageProblem: Nothing is built yet.
    """
    if not snapshot.exists():
        raise UsageProblem(f"dbt alone reads the snapshot of the last build, and there is no {snapshot}: run the flow.")
    connection.execute(f"attach {literal(str(snapshot))} as taken (read_only)")
    views = connection.execute(
        "select sql from duckdb_views() where database_name = 'taken' and schema_name = 'bronze'"
    ).fetchall()
    connection.execute("detach taken")
    connection.execute("create schema if not exists bronze")
    for (statement,) in views:
        connection.execute(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))


def _settings() -> Settings:
    before = Path.cwd()
    os.chdir(ROOT)  # dlt finds .dlt from the current folder only
    try:
        return load()
    finally:
        os.chdir(before)
