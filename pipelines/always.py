"""`--every`: keep running, one run per interval, until SIGTERM or SIGINT; the run in hand is finished.

The interval follows the overlap of the last polls, within bounds and the API's budget. A tick that finds another run
at work is left out.

Data flow: signal, clock -> ticks -> flow.begin
"""

import logging
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from types import FrameType

from pipelines.ended import Run
from pipelines.flow import begin
from pipelines.ingest import Plan
from pipelines.listener import memory
from pipelines.lock import BusyError
from pipelines.settings import Settings
from sources.problem import problem_of

LOOK_S = 0.5
log = logging.getLogger("lakehouse.always")


def keep_running(settings: Settings, every: timedelta) -> int:
    """Run until a signal asks to stop.

    Args:
        settings: The environment.
        every: The interval that the listener asked for.

    Returns:
        Exit code 0; how each run ended is in `ops.pipeline_runs`.
    """
    asked: list[int] = []
    _hear_signals(asked)
    chance = random.Random()  # noqa: S311 jitter is no secret
    while not asked:
        _tick(settings, Plan(poll_every=every, should_stop=lambda: bool(asked)))
        pause = _pause(settings, every, chance)
        log.info("next run in %d s", pause.total_seconds())
        _wait(asked, pause.total_seconds())
    log.info("stopped by a signal; the run in hand was finished")
    return 0


def interval(settings: Settings, every: timedelta, chance: random.Random | None = None) -> timedelta:
    """How long to wait, from what the last polls showed and what is left of the API's budget."""
    from sources.spotify_api.cadence import Bounds, affordable, glances, next_interval

    kept = memory(settings)
    if kept is None:
        return every
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    left = settings.spotify_api.daily_budget - kept.spent(now.date().isoformat())
    bounds = Bounds(every, min(Bounds(every).shortest, every), max(Bounds(every).longest, every))
    return next_interval(glances(kept.recent), bounds, affordable(left, midnight - now), chance)


def _pause(settings: Settings, every: timedelta, chance: random.Random) -> timedelta:
    try:
        return interval(settings, every, chance)
    except Exception as error:  # a journal that cannot be read fails the next tick, which says so
        log.warning("the interval stays as it was asked for: %s", problem_of(error))
        return every


def _tick(settings: Settings, plan: Plan) -> Run | None:
    try:
        run = begin(settings, 0, plan)
    except BusyError:
        log.info("another run is at work; this one is left out")
        return None
    for problem in run.problems:
        log.error("%s", problem)
    log.info("%s", run.state)
    return run


def _wait(asked: list[int], seconds: float) -> None:
    # in short sleeps, not by an Event: a signal in the moment before a wait would be heard after it, or find the lock
    # of the Event taken by this very thread
    until = time.monotonic() + seconds
    while not asked and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LOOK_S))


def _hear_signals(asked: list[int]) -> None:
    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
