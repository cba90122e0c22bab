"""What every test may ask for: real servers, started once for each worker and only when a test needs them."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dlt.common.runtime.run_context import active, switch_context
from dlt.common.time import increasing_precise_time

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

APART = ("torture", "spark", "metabase")
"""Markers of tests that run only when they are asked for: `pytest -m torture`."""
LONG = {"built", "copied", "mariadb"}
"""Fixtures of tests that run the whole flow, or its part on servers."""
SETTINGS = ("LAKEHOUSE__", "SOURCES__", "DESTINATION__", "SANDBOX__", "METABASE__", "WORKSPACE__", "DLT_DATA_DIR")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what must be asked for, and begin with the long ones, so that no worker waits for the other's last."""
    items.sort(key=lambda item: LONG.isdisjoint(getattr(item, "fixturenames", ())))
    if config.option.markexpr:
        return
    apart = [item for item in items if any(item.get_closest_marker(marker) for marker in APART)]
    config.hook.pytest_deselected(items=apart)
    items[:] = [item for item in items if item not in apart]


@pytest.fixture(autouse=True)
def _settings_stay_with_their_test() -> Iterator[None]:
    """Take back the variables that resolving settings in this process wrote for dlt, and the profile that dlt keeps."""
    yield
    written = [name for name in set(os.environ) - set(SURROUNDINGS) if name.startswith(SETTINGS)]
    for name in written:
        del os.environ[name]
    if "WORKSPACE__PROFILE" in written:
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


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment after its first run on embedded defaults; for reading, tests that change it take a copy.

    The first worker that asks makes it, the others wait for it.
    """
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    environment = Environment(shared / "built")
    with (shared / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment.data_dir / FIRST_RUN).exists():
            answer = environment.run()
            assert answer.returncode == 0, answer.stderr
            (environment.data_dir / FIRST_RUN).write_text(answer.stdout)
    return environment


@pytest.fixture
def copied(built: Environment, tmp_path: Path) -> Environment:
    """A copy of the built environment that a test may change."""
    copy = Environment(tmp_path / "data")
    shutil.copytree(built.data_dir, copy.data_dir)
    return copy
