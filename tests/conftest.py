"""What every test may ask for: real servers, started once for each worker and only when a test needs them."""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dlt.common.runtime.run_context import active, switch_context
from dlt.common.time import increasing_precise_time
from hypothesis import HealthCheck, settings

from sandbox.servers.mariadb import SETTING as MARIADB_SETTING
from sandbox.servers.mariadb import MariaDB
from sandbox.servers.mariadb import serve as serve_mariadb
from sandbox.servers.postgres import SETTING as POSTGRES_SETTING
from sandbox.servers.postgres import Postgres
from sandbox.servers.postgres import serve as serve_postgres
from sandbox.servers.seaweedfs import S3
from sandbox.servers.seaweedfs import SETTING as S3_SETTING
from sandbox.servers.seaweedfs import serve as serve_s3
from tests.environment import FIRST_RUN, SURROUNDINGS, Environment

APART = ("long", "torture", "spark", "metabase")
"""Markers of tests that run only when they are asked for: `pytest -m torture`."""
RUN = {"built", "lean", "copied", "later"}
"""Fixtures of tests that run the whole flow, or need one run of it."""
SERVERS = {"mariadb", "postgres", "s3"}
PROFILE = SURROUNDINGS.get("WORKSPACE__PROFILE", "dev")
SETTINGS = ("LAKEHOUSE__", "SOURCES__", "DESTINATION__", "SANDBOX__", "METABASE__", "WORKSPACE__", "DLT_DATA_DIR")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background, where a shell has Ctrl-C ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
# how busy the machine is says nothing about the code
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what must be asked for, and begin with the long ones, so that no worker waits for the other's last."""
    if not config.option.markexpr:
        apart = [item for item in items if any(item.get_closest_marker(marker) for marker in APART)]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]
    items.sort(key=_turn)
    first_run = next((item for item in items if _turn(item) == 1), None)
    items.sort(key=lambda item: item is not first_run)  # servers keep the other worker busy while it is made


def _turn(item: pytest.Item) -> int:
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & RUN:
        return 1
    return 0 if fixtures & SERVERS else 2 if item.get_closest_marker("xdist_group") else 3


@pytest.fixture(autouse=True)
def _settings_stay_with_their_test() -> Iterator[None]:
    """Take back the variables that resolving settings in this process wrote for dlt, and the profile that dlt keeps."""
    yield
    written = [name for name in set(os.environ) - set(SURROUNDINGS) if name.startswith(SETTINGS)]
    for name in written:
        del os.environ[name]
    if getattr(active(), "profile", PROFILE) != PROFILE:
        switch_context(active().run_dir)


@pytest.fixture(autouse=True)
def _time_stays_with_its_test() -> Iterator[None]:
    """Take back dlt's clock, which never goes back by itself, from a test that lives in another year."""
    yield
    increasing_precise_time._last = time.time()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """MariaDB; `mariadb.fresh()` is the SQLAlchemy URL of a new empty database."""
    given = os.environ.get(MARIADB_SETTING)
    if given:
        server = MariaDB(given)
        yield server
        server.clean()
    else:
        with serve_mariadb() as server:
            yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Postgres; `postgres.fresh()` is the URL of a new empty database."""
    given = os.environ.get(POSTGRES_SETTING)
    if given:
        server = Postgres(given)
        yield server
        server.clean()
    else:
        with serve_postgres() as server:
            yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """S3; `s3.fresh()` is a new empty bucket."""
    given = os.environ.get(S3_SETTING)
    if given:
        server = S3(given)
        yield server
        server.clean()
    else:
        with serve_s3() as server:
            yield server


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Environment, bool]]:
    """An environment that all workers share, and whether it is still to be made: the others wait for who asks first."""
    folder = factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    mark = shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Environment(shared / name), not mark.exists()
        mark.touch()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment after its first run on embedded defaults; for reading, tests that change it take a copy."""
    with made_once(tmp_path_factory, "built") as (environment, is_missing):
        if is_missing:
            process = environment.start()  # as in the README
            out, said = process.communicate(timeout=600)
            assert process.returncode == 0, said
            (environment.data_dir / FIRST_RUN).write_text(out)
    return environment


@pytest.fixture(scope="session")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The same with a short history, where building it again and again is what takes the time; for reading, too."""
    with made_once(tmp_path_factory, "lean") as (environment, is_missing):
        if is_missing:
            environment.make_world()
            answer = environment.run()
            assert answer.returncode == 0, answer.stderr
    return environment


@pytest.fixture(scope="session")
def later(lean: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The lean environment after a second run, undisturbed, 20 hours later; for reading as well."""
    with made_once(tmp_path_factory, "later") as (environment, is_missing):
        if is_missing:
            shutil.copytree(lean.data_dir, environment.data_dir)
            answer = environment.run("--advance", "20h")
            assert answer.returncode == 0, answer.stderr
    return environment


@pytest.fixture
def copied(lean: Environment, tmp_path: Path) -> Environment:
    """A copy of the lean environment that a test may change."""
    copy = Environment(tmp_path / "data")
    shutil.copytree(lean.data_dir, copy.data_dir)
    return copy
