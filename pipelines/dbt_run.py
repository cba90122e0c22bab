"""dbt, run within this process on the build database: how it is called, and what its faults mean.

dbt is imported when it is called, since that takes seconds.

Data flow: settings, command -> dbt -> its result, or a Problem that names the models at fault
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.settings import ROOT, Settings
from sources.problem import Problem, RedAudit

DBT = ROOT / "dbt"
SILENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "DBT_USE_COLORS": "False", "DO_NOT_TRACK": "1"}


def variables(settings: Settings) -> dict[str, Any]:
    """The dbt variables: what the listener decides."""
    names = ("timezone", "week_start", "min_play_seconds", "min_play_share", "session_gap_minutes")
    return {name: getattr(settings, name) for name in names}


def build_models(settings: Settings, database: Path, target: Path) -> None:
    """Make and audit every model.

    Raises:
        RedAudit: A test or a contract failed.
        Problem: A model could not be built.
    """
    arguments = ("build", "--target", "lake", "--exclude-resource-type", "unit_test")
    result = invoke(settings, database, target, *arguments)
    faults = [run for run in getattr(result.result, "results", []) if run.status in ("error", "fail", "runtime error")]
    if not faults and not result.success:
        raise Problem(f"dbt stopped: {result.exception or 'see the log'}. The log is in {settings.data_dir / 'logs'}.")
    if faults:
        raise _red(faults) if any(_is_audit(run) for run in faults) else _broken(faults)


def invoke(settings: Settings, database: Path, target: Path, *arguments: str) -> Any:
    """Run one dbt command on a build database and let go of it.

    Args:
        settings: The environment.
        database: The build database.
        target: Folder for what dbt writes about its project.
        arguments: The command and its own options.
    """
    os.environ["LAKEHOUSE_BUILD_FILE"] = str(database)
    try:
        return command(settings, target, *arguments, callbacks=(_wait_no_more,))
    finally:
        close_build()


def command(
    settings: Settings, target: Path, *arguments: str, callbacks: tuple[Callable[[Any], None], ...] = ()
) -> Any:
    """Run one dbt command in this process, on whichever engine it names: silent, its log in the logs folder."""
    from dbt.cli.main import dbtRunner

    os.environ.update(SILENT)
    return dbtRunner(callbacks=list(callbacks)).invoke(
        [
            *arguments,
            *("--project-dir", str(DBT), "--profiles-dir", str(DBT), "--target-path", str(target)),
            *("--log-path", str(settings.data_dir / "logs"), "--log-level", "none", "--log-level-file", "info"),
            *("--vars", json.dumps(variables(settings))),
        ]
    )


def _wait_no_more(event: Any) -> None:
    """Once a bucket has kept silent for one model, let no other wait for it: dozens read bronze, two at a time."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    if "Timeout was reached" in event.info.msg and environment is not None and environment.conn is not None:
        with environment.conn.cursor() as own:
            own.execute("set http_timeout = 1; set http_retries = 0")


def close_build() -> None:
    """Close dbt's connection to the build file, which dbt would hold as long as the process lives."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _is_audit(run: Any) -> bool:
    return run.status == "fail" or "contract" in str(run.message).lower() or "constraint" in str(run.message).lower()


def _red(faults: list[Any]) -> RedAudit:
    return RedAudit(f"The audit is red and nothing was published: {_names(faults)}. Dashboards stay as they were.")


def _broken(faults: list[Any]) -> Problem:
    return Problem(f"The build failed and nothing was published: {_names(faults)}.")


def _names(faults: list[Any]) -> str:
    texts = [f"{run.node.name} ({' '.join(str(run.message or run.status).split())[:160]})" for run in faults]
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more
