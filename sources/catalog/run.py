"""One run of the catalog source: packages left over first, then the plans, then one load package for what is new.

Data flow: pipeline state -> plans -> dlt -> Extract
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt

from sources.catalog import NAMES, Extract, Planned, Progress, catalog, plan_tables
from sources.catalog.choice import TableSettings
from sources.catalog.database import open_database
from sources.catalog.layout import Misfit
from sources.catalog.plan import Ask, Plan, State, asked_now, shape_changes
from sources.pending import explained, finish, waits
from sources.problem import Problem

if TYPE_CHECKING:
    from sources.catalog.loader import Task


@dataclass(frozen=True)
class Run:
    """What `extract` was asked."""

    pipeline: dlt.Pipeline
    tables: Mapping[str, TableSettings]
    full_refresh: frozenset[str]
    backfill: tuple[date, date] | None
    progress: Progress
    accepted: frozenset[str] = frozenset()

    def extract(self, url: str) -> list[Extract]:
        """Load what is new; dlt starts only if something is."""
        ask = asked_now(backfill=self.backfill, accepted=self.accepted)
        states = self._restore()
        planned = plan_tables(url, states, self.tables, ask, self.full_refresh)
        tasks = self._load(url, planned, ask)
        return [_told(name, planned, tasks.get(name), states.get(name, {})) for name in NAMES if name in planned]

    def _restore(self) -> dict[str, State]:
        """The state of the lake: packages left over are loaded first, a lost folder (or lake) is made again."""
        with explained("the catalog"):
            finish(self.pipeline)
        return _states(self.pipeline.state)

    def _load(self, url: str, planned: Planned, ask: Ask) -> "dict[str, Task]":
        """Load every plan in one package; a table with a value that does not fit stops alone."""
        while tasks := self._tasks(planned, ask):
            try:
                self._write(url, tasks)
            except Misfit as problem:
                planned[problem.table] = (planned[problem.table][0], problem)
            else:
                return tasks
        return {}

    def _tasks(self, planned: Planned, ask: Ask) -> "dict[str, Task]":
        from sources.catalog.held import committed_pages
        from sources.catalog.loader import Task

        bronze = committed_pages(self.pipeline)
        return {
            name: Task(choice, ask, bronze, plan, self.progress)
            for name, (choice, plan) in planned.items()
            if choice is not None and isinstance(plan, Plan)
        }

    def _write(self, url: str, tasks: "dict[str, Task]") -> None:
        engine = open_database(url)
        try:
            with explained("the catalog"):
                source = catalog(url, tasks=tasks, engine=engine)
                self.pipeline.run(source, loader_file_format="parquet").raise_on_failed_jobs()
        finally:
            engine.dispose()


def local_states(folder: Path) -> dict[str, State] | None:
    """The tables' states in a pipeline's folder; None without one, or when packages are still to be loaded."""
    if waits(folder):
        return None
    try:
        return _states(json.loads((folder / "state.json").read_text()))
    except FileNotFoundError:
        return None


def _states(state: Mapping[str, Any]) -> dict[str, State]:
    resources = state.get("sources", {}).get("catalog", {}).get("resources", {})
    return json.loads(json.dumps({name: resources[name] for name in NAMES if name in resources}))  # type: ignore[no-any-return]


def _told(name: str, planned: Planned, task: "Task | None", state: State) -> Extract:
    choice, plan = planned[name]
    strategy = choice.strategy if choice else ""
    changed = shape_changes(choice, state) if choice else ()
    if isinstance(plan, Problem):
        return Extract(name, "stopped", strategy, problem=plan, changes=changed)
    if plan is None or task is None:
        return Extract(name, "unchanged", strategy)
    return Extract(name, "loaded", strategy, task.read.rows, task.tombstones, changes=changed)
