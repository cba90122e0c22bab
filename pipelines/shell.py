"""`make sql`: DuckDB's own shell, with `bronze`, `silver`, `gold` and `ops` ready.

The shell is fed the statements that `run.py sql` runs, through a file that only its owner can read and that is gone
when the shell ends: they may hold the keys of a bucket.

Data flow: settings -> statements -> duckdb -init

Run it: `python -m pipelines.shell --profile prod`
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipelines.cli import alone
from pipelines.query import prepare
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb


class Script:
    """Keeps the statements that a connection would be given."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str) -> None:
        """Keep one statement."""
        self.statements.append(statement.rstrip("; ") + ";")


def shell(settings: Settings, arguments: list[str]) -> int:
    """Open the shell; arguments go to DuckDB's own command line."""
    script = Script()
    prepare(settings, cast("duckdb.DuckDBPyConnection", script))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:  # made with mode 600
        file.write("\n".join(script.statements) + "\n")
        file.flush()
        program = Path(sys.executable).parent / "duckdb"
        return subprocess.run([program, "-init", file.name, *arguments], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(alone(shell))
