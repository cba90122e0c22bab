"""Random schedules of runs and faults end with the gold that an independent model expects.

The short form runs with all tests. The long one is `make torture`, with `SEED=`, `STEPS=` and `MINUTES=`, on embedded defaults or
with `SERVERS=1` on MariaDB, S3 and Postgres; a failure prints the steps that led to it and the command that repeats
them.
"""

import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.servers.mariadb import MariaDB
from sandbox.servers.postgres import serve
from sandbox.servers.seaweedfs import S3
from tests.environment import Environment
from tests.pipelines.production import production
from tests.torture.ground import embedded
from tests.torture.schedule import Schedule
from tests.torture.served import ServedSchedule, Services

STEPS = 6
LONG_STEPS = int(os.environ.get("TORTURE_STEPS") or 3 * STEPS)
PLENTY = {"SOURCES__SPOTIFY_API__DAILY_BUDGET": "6000"}
"""Many runs on one day of the listener's: with the budget spent none would poll, and the model could not know."""


def copied(template: Environment, folder: Path, seed: int) -> Schedule:
    """A schedule on a copy of an environment."""
    environment = Environment(folder / "data", {**template.settings, **PLENTY, "LAKEHOUSE__LOCK_WAIT": "300"})
    shutil.copytree(template.data_dir, environment.data_dir)
    return Schedule(environment, embedded(environment.data_dir), seed)


def tortured(schedule: Schedule, repeat: str, steps: int, *, whole: bool) -> None:
    """Let a schedule happen.

    Raises:
        AssertionError: Something is not as the model says; the message has the seed, the steps and how to repeat them.
    """
    try:
        schedule.measure()
        for _ in range(steps):
            schedule.step(whole=whole)
        differences = schedule.settle()
    except Exception as error:
        differences = [str(error) or repr(error)]
    assert not differences, "\n".join([*differences, f"repeat it: make torture {repeat}", *schedule.journal])


def test_a_schedule_of_faults_ends_with_the_gold_that_the_model_expects(built: Environment, tmp_path: Path) -> None:
    seed = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    tortured(copied(built, tmp_path, seed), f"SEED={seed} SCHEDULES=1", STEPS, whole=False)


def tell(text: str) -> None:
    """A line for whoever watches."""
    sys.stderr.write(f"{text}\n")


def seeds() -> Iterator[int]:
    """Seeds for as long as asked, one at least."""
    first = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    most = int(os.environ.get("TORTURE_SCHEDULES") or 10**6)
    ends = time.monotonic() + 60 * float(os.environ["TORTURE_MINUTES"])
    done = 0
    while done < most and (done == 0 or time.monotonic() < ends):
        yield first + done
        done += 1
    tell(f"{done} schedules from seed {first}: no difference")


@pytest.mark.torture
@pytest.mark.skipif("TORTURE_MINUTES" not in os.environ, reason="make torture says how long")
@pytest.mark.skipif(bool(os.environ.get("TORTURE_SERVERS")), reason="make torture SERVERS=1 is for servers")
def test_schedules_one_after_another_for_as_long_as_asked(built: Environment, tmp_path: Path) -> None:
    for seed in seeds():
        folder = tmp_path / str(seed)
        schedule = copied(built, folder, seed)
        tortured(schedule, f"SEED={seed} STEPS={LONG_STEPS} SCHEDULES=1", LONG_STEPS, whole=True)
        tell(f"seed {seed}: {len(schedule.journal)} steps, all as the model says")
        shutil.rmtree(folder)


@pytest.mark.torture
@pytest.mark.servers
@pytest.mark.skipif("TORTURE_MINUTES" not in os.environ, reason="make torture says how long")
@pytest.mark.skipif(not os.environ.get("TORTURE_SERVERS"), reason="make torture SERVERS=1 asks for it")
def test_schedules_on_three_servers_for_as_long_as_asked(mariadb: MariaDB, s3: S3, tmp_path: Path) -> None:
    faults: Counter[str] = Counter()
    for seed in seeds():
        folder = tmp_path / str(seed)
        with serve() as postgres, production(mariadb, postgres, s3, folder) as place:
            services = Services(mariadb.server, s3.server, postgres.server)
            place.environment.settings.update(PLENTY)
            schedule = ServedSchedule(place, services, seed)
            tortured(schedule, f"SERVERS=1 SEED={seed} STEPS={LONG_STEPS} SCHEDULES=1", LONG_STEPS, whole=True)
        faults += schedule.faults
        tell(f"seed {seed}: {len(schedule.journal)} steps, all as the model says; {dict(sorted(faults.items()))}")
        shutil.rmtree(folder)
