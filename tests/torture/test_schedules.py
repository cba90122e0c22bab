"""Random schedules of runs and faults end with the gold that an independent model expects.

The short form runs with all tests. The long one is `make torture`, with `SEED=` and `MINUTES=`; a failure prints the
steps that led to it and the command that repeats them.
"""

import os
import random
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.environment import Environment
from tests.torture.schedule import Schedule

STEPS = 6


def tortured(template: Environment, folder: Path, seed: int, steps: int, *, whole: bool) -> Schedule:
    """One schedule on a copy of an environment.

    Raises:
        AssertionError: Something is not as the model says; the message has the seed, the steps and how to repeat them.
    """
    environment = Environment(folder / "data", {**template.settings, "LAKEHOUSE__LOCK_WAIT": "300"})
    shutil.copytree(template.data_dir, environment.data_dir)
    schedule = Schedule(environment, seed)
    try:
        schedule.measure()
        for _ in range(steps):
            schedule.step(whole=whole)
        differences = schedule.settle()
    except Exception as error:
        differences = [str(error)]
    told = "\n".join([*differences, f"repeat it: make torture SEED={seed} SCHEDULES=1", *schedule.journal])
    assert not differences, told
    return schedule


def test_a_schedule_of_faults_ends_with_the_gold_that_the_model_expects(built: Environment, tmp_path: Path) -> None:
    seed = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    tortured(built, tmp_path, seed, STEPS, whole=False)


def tell(text: str) -> None:
    """A line for whoever watches."""
    sys.stderr.write(f"{text}\n")


@pytest.mark.torture
@pytest.mark.skipif("TORTURE_MINUTES" not in os.environ, reason="make torture says how long")
def test_schedules_one_after_another_for_as_long_as_asked(built: Environment, tmp_path: Path) -> None:
    first = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    most = int(os.environ.get("TORTURE_SCHEDULES") or 10**6)
    ends = time.monotonic() + 60 * float(os.environ["TORTURE_MINUTES"])
    done = 0
    while done < most and (done == 0 or time.monotonic() < ends):
        folder = tmp_path / str(first + done)
        schedule = tortured(built, folder, first + done, 3 * STEPS, whole=True)
        done += 1
        tell(f"seed {first + done - 1}: {len(schedule.journal)} steps, all as the model says")
        shutil.rmtree(folder)
    tell(f"{done} schedules from seed {first}: no difference")
