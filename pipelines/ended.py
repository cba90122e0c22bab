"""How a run ends: its state and its problems, written into `ops.pipeline_runs` and told to who wants to hear.

Whatever happens in a run becomes a problem of it; nothing but an interruption leaves `recorded` as an error.

Data flow: work -> Run -> ops.pipeline_runs, alert
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipelines.alert import alert
from pipelines.settings import Settings
from pipelines.warehouse import RunRecord, open_warehouse
from sources.problem import Problem, RedAudit, problem_of

log = logging.getLogger("lakehouse.flow")


@dataclass(frozen=True)
class Run:
    """How a run ended.

    Attributes:
        run_id: Sorts by start; names the published generation.
        started_at: UTC.
        state: `published`, `nothing new`, `red` or `failed`.
        rows: Rows that the sources brought.
        problems: What went wrong, one paragraph each; empty when all went well.
    """

    run_id: str
    started_at: datetime
    state: str = "failed"
    rows: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the worst problem."""
        return worst(self.problems)

    def stopped_by(self, problem: Problem) -> "Run":
        """The run as a problem ended it."""
        state = "red" if isinstance(problem, RedAudit) else "failed"
        return replace(self, state=state, problems=(*self.problems, problem))


def worst(problems: Iterable[Problem]) -> int:
    """The highest exit code; 0 without a problem."""
    return max((problem.exit_code for problem in problems), default=0)


def new_run() -> Run:
    """A run that starts now."""
    now = datetime.now(UTC)
    return Run(f"{now:%Y%m%d%H%M%S}_{secrets.token_hex(3)}", now)


def noted(error: Exception, before: str = "") -> Problem:
    """The problem that an error is; the log has its traceback."""
    problem = problem_of(error, before)
    log.error("%s", problem, exc_info=error, extra={"file_only": True})
    return problem


def recorded(settings: Settings, work: Callable[[Run], Run]) -> Run:
    """Do the work of a run and write how it ended into `ops.pipeline_runs`, whatever the end."""
    current, start = new_run(), time.monotonic()
    try:
        current = work(current)
    except Exception as error:
        current = current.stopped_by(noted(error))
    except BaseException:
        _record(settings, replace(current, state="failed"), start)
        raise
    _record(settings, current, start)
    alert(settings, current.run_id, current.state, current.problems)
    return current


def _record(settings: Settings, current: Run, start: float) -> None:
    seconds = round(time.monotonic() - start, 3)
    exit_code = max(current.exit_code, 1) if current.state == "failed" else current.exit_code
    ended_at = datetime.now(UTC)
    record = RunRecord(current.run_id, current.started_at, ended_at, current.state, exit_code, current.rows, seconds)
    try:
        open_warehouse(settings).record_run(record)
    except Exception as error:  # the run has ended already
        log.warning("the run could not be written to ops.pipeline_runs: %s", problem_of(error))
