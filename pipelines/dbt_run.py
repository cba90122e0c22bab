"""dbt, run within this process on the build database: how it is called, and what its faults mean.

dbt is imported when it is called, since that takes seconds.

Data flow: settings, command -> dbt -> its result, or a Problem that names the models at fault
"""

import json
import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

from pipelines import duck, lake_reader
from pipelines.settings import ROOT, Settings
from sources.problem import Problem, RedAudit

DBT = ROOT / "dbt"
WITHOUT = ("--exclude-resource-types", "unit_test", "exposure", "test")
"""What a run leaves out: the tests are asked together at its end (dbt/macros/audit.sql)."""
SILENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "DBT_USE_COLORS": "False", "DO_NOT_TRACK": "1"}


def variables(settings: Settings) -> dict[str, Any]:
    """The dbt variables: what the listener decides."""
    names = ("timezone", "week_start", "min_play_seconds", "min_play_share", "session_gap_minutes")
    return {name: getattr(settings, name) for name in names}


def build_models(settings: Settings, database: Path, target: Path, fresh_from: str) -> None:
    """Make and audit every model.

    Args:
        settings: The environment.
        database: The build database.
        target: Folder for what dbt writes about its project.
        fresh_from: Time of the earliest play that the database does not know; empty where it is to be made anew.

    Raises:
        RedAudit: A test or a contract failed.
        Problem: A model could not be built.
    """
    arguments = ("build", "--target", "lake", *WITHOUT)
    result = invoke(settings, database, target, *arguments, fresh_from=fresh_from)
    faults = faults_of(result)
    broken = _broken_rules(database)
    if not faults and (not result.success or broken is None):
        said = str(result.exception or "see the log")
        raise Problem(f"dbt stopped: {said}. The log is in {settings.data_dir / 'logs'}.{_memory(said)}")
    if faults or broken:
        text = _first_three([*(broken or ()), *map(_message, faults)])
        raise _red(text) if broken or any(_is_audit(run) for run in faults) else _broken(text)


def invoke(settings: Settings, database: Path, target: Path, *arguments: str, fresh_from: str = "") -> Any:
    """Run one dbt command on a build database and let go of it.

    Args:
        settings: The environment.
        database: The build database.
        target: Folder for what dbt writes about its project.
        arguments: The command and its own options.
        fresh_from: As for `build_models`.
    """
    # named from its own folder: dbt parses all again where a name in its profile changed, as in a folder that was moved
    os.environ |= {"LAKEHOUSE_BUILD_FILE": database.name, "LAKEHOUSE_FRESH_FROM": fresh_from}
    try:
        with chdir(database.parent):
            return command(settings, target, *arguments, callbacks=(_wait_no_more,))
    finally:
        close_build()


def command(
    settings: Settings, target: Path, *arguments: str, callbacks: tuple[Callable[[Any], None], ...] = ()
) -> Any:
    """Run one command of the project's own dbt, on whichever engine it names, with the listener's variables."""
    told = ("--vars", json.dumps(variables(settings)))
    return answered(DBT, target, settings.data_dir / "logs", *arguments, *told, callbacks=callbacks)


def answered(
    project: Path, target: Path, logs: Path, *arguments: str, callbacks: tuple[Callable[[Any], None], ...] = ()
) -> Any:
    """What dbt answers to one command, given in this process: silent, its log in a folder.

    Raises:
        KeyboardInterrupt: Somebody pressed Ctrl-C, which dbt takes for an answer.
    """
    from dbt.cli.main import dbtRunner

    os.environ.update(SILENT)
    answer = dbtRunner(callbacks=list(callbacks)).invoke(
        [
            *arguments,
            *("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)),
            *("--log-path", str(logs), "--log-level", "none", "--log-level-file", "info"),
        ]
    )
    if isinstance(answer.exception, KeyboardInterrupt):
        raise answer.exception
    return answer


def faults_of(answer: Any) -> list[Any]:
    """The nodes of dbt's answer that failed."""
    return [run for run in getattr(answer.result, "results", []) if run.status in ("error", "fail", "runtime error")]


def _wait_no_more(event: Any) -> None:
    """Once a bucket has kept silent for one model, let no other wait for it: dozens read bronze, two at a time."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    if "Timeout was reached" in event.info.msg and environment is not None and environment.conn is not None:
        with environment.conn.cursor() as own:
            lake_reader.wait_at_most(own, lake_reader.IMPATIENCE)


def close_build() -> None:
    """Close dbt's connection to the build file, which dbt would hold as long as the process lives."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _is_audit(run: Any) -> bool:
    return "contract" in str(run.message).lower() or "constraint" in str(run.message).lower()


def _red(text: str) -> RedAudit:
    return RedAudit(f"The audit is red and nothing was published: {text}. Dashboards stay as they were.")


def _broken(text: str) -> Problem:
    return Problem(f"The build failed and nothing was published: {text}.{_memory(text)}")


def _memory(said: str) -> str:
    return " Let DuckDB take more: LAKEHOUSE__MEMORY_LIMIT." if "Out of Memory" in said else ""


def _broken_rules(database: Path) -> list[str] | None:
    """What the audit at the end of a build found, by model; None where there was none. It is told once."""
    import duckdb

    rules: dict[str, list[str]] = {}
    with duckdb.connect(str(database)) as connection:
        if not duck.table_names(connection, "audit"):
            return None
        found = connection.execute("from audit.broken_rules order by model, broken_by desc, rule").fetchall()
        connection.execute("drop schema audit cascade")
    for model, rule, rows in found:
        rules.setdefault(model, []).append(f"`{rule}` is broken by {rows:,} row{'s' * (rows > 1)}")
    return [f"{model}: {', '.join(texts)}" for model, texts in rules.items()]


def _message(run: Any) -> str:
    return f"{run.node.name} ({' '.join(str(run.message or run.status).split())[:160]})"


def _first_three(texts: list[str]) -> str:
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more
