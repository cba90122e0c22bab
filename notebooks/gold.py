"""What every notebook needs: gold, asked from any folder and from any of marimo's ways to run.

Data flow: settings -> `pipelines.query.analyst` -> arrow tables
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.settings import Settings


@cache
def settings() -> "Settings":
    """The profile's settings, read once; relative paths in the environment mean the caller's folder."""
    from pipelines.cli import PATH_SETTINGS
    from pipelines.settings import load

    for variable in PATH_SETTINGS:
        value = os.environ.get(variable)
        if value and "://" not in value:
            os.environ[variable] = str(Path(value).expanduser().absolute())
    os.chdir(ROOT)  # dlt finds .dlt from the current folder only
    return load()


def ask(query: str, values: dict[str, Any] | None = None) -> "pa.Table":
    """Answer one select, on a connection of its own: a notebook left open never holds the warehouse.

    Args:
        query: A select over `gold`; `$name` is a value.
        values: The values.

    Returns:
        The answer; times with zone are in UTC.

    Raises:
        UsageProblem: Nothing is built yet.
    """
    from pipelines.query import analyst

    with analyst(settings()) as connection:
        return connection.execute(query, values or {}).to_arrow_table()


def opened() -> "Callable[..., pa.Table]":
    """`ask`, for the cells that wait for this; a notebook without gold stops here and says what to do."""
    import marimo as mo

    stop = _trouble()
    if stop and mo.app_meta().mode == "script":
        sys.exit(stop)
    mo.stop(bool(stop), mo.callout(mo.md(f"**No data yet.** {stop}"), kind="warn"))
    return ask


def _trouble() -> str | None:
    """What stands in the way of an answer, as a person would say it; None when gold can be read."""
    from sources.problem import Problem

    try:
        ask("select 1")
    except Problem as problem:
        return str(problem)
    return None
