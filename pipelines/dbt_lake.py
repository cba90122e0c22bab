"""dbt-duckdb plugin: every connection that dbt opens can read the lake, in UTC, within bounds.

dbt's profile can name secrets only as text in a file; here they come from the settings and stay in memory.

Data flow: settings -> dbt's DuckDB connection
"""

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

from pipelines.duck import open_lake
from pipelines.settings import load

if TYPE_CHECKING:
    import duckdb


class Plugin(BasePlugin):
    """Named by `module: pipelines.dbt_lake` in dbt/profiles.yml."""

    def configure_connection(self, conn: "duckdb.DuckDBPyConnection") -> None:
        """Prepare a new connection."""
        open_lake(conn, load().lake)

    def configure_cursor(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        """Prepare a new cursor; the session zone is not inherited from the connection."""
        cursor.execute("set timezone = 'UTC'")
