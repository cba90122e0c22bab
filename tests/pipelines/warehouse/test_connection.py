"""Waiting for Postgres: a server that falls silent is given up, one that works is waited for."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg2
import pytest
from sqlalchemy import make_url

from pipelines.warehouse import RunRecord, connection
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers.postgres import Postgres, serve
from sources.problem import Problem
from tests.environment import ROOT
from tests.pipelines.warehouse.crash import crash
from tests.pipelines.warehouse.synthetic import TABLES, make_build, plain_candidate, whole
from tests.pipelines.warehouse.test_postgres import STATE, state
from tests.proxy import CUT, SILENT, Fault, Proxy, between

pytestmark = pytest.mark.servers
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = RunRecord("r1", NOON, NOON, "published", 0, 10, 1.5)
STATEMENTS = (b"COPY", b"candidate", b"ops.pipeline_runs")
LANDING = "drop schema if exists landing cascade; create schema landing; create table landing.much (number bigint)"
COPY = """
import sys
from pathlib import Path
from pipelines.warehouse import landing
from pipelines.warehouse.connection import parameters
from sources.problem import Problem
try:
    landing.copy(Path(sys.argv[1]), parameters(sys.argv[2], "test"), {"much": landing.WHOLE})
except Problem as problem:
    sys.exit(str(problem))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of its own, since it crashes here."""
    with serve() as server:
        yield server


@pytest.fixture
def proxy(server: Postgres) -> Iterator[Proxy]:
    with between("127.0.0.1", make_url(server.url).port or 0) as proxy:
        yield proxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks at the server, sooner: those of a run take a minute."""
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)


def warehouse_at(url: str, folder: Path) -> PostgresWarehouse:
    return PostgresWarehouse(url, "dev", Project(folder, folder, folder), plain_candidate)


def _publish_and_record(warehouse: PostgresWarehouse, build: Path) -> None:
    warehouse.publish(build, "R2", "f2", TABLES)
    warehouse.record_run(RUN)


@pytest.mark.parametrize("statement", STATEMENTS, ids=bytes.decode)
@pytest.mark.usefixtures("impatient")
def test_a_server_that_falls_silent_at_any_statement_is_given_up_and_the_next_publish_has_all(
    server: Postgres, proxy: Proxy, tmp_path: Path, statement: bytes
) -> None:
    past = server.fresh()
    through = make_url(past).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    warehouse, second = warehouse_at(through, tmp_path), make_build(tmp_path, 2)
    warehouse.publish(make_build(tmp_path, 1), "R1", "f1", TABLES)
    fault = proxy.break_with(Fault(SILENT, statement))
    began = time.monotonic()
    with pytest.raises(Problem, match=r"has fallen silent: .* DESTINATION__WAREHOUSE__CREDENTIALS"):
        _publish_and_record(warehouse, second)
    assert time.monotonic() - began < 15
    assert fault.hits
    proxy.heal()
    warehouse.publish(second, "R2", "f2", TABLES)
    with closing(psycopg2.connect(past)) as reader, reader.cursor() as cursor:
        cursor.execute(STATE)
        assert state(cursor.fetchall()) == whole(2)
    watches = [thread for thread in threading.enumerate() if thread.name.startswith("watch")]
    for watch in watches:
        watch.join(10)  # one that is looking when it is told to end takes a moment
    assert not [watch for watch in watches if watch.is_alive()]


@pytest.mark.parametrize("pieces", [20, 40])
def test_a_copy_that_is_cut_off_in_the_middle_is_told(
    server: Postgres, proxy: Proxy, tmp_path: Path, pieces: int
) -> None:
    past, build = server.fresh(), tmp_path / "build.duckdb"
    with closing(psycopg2.connect(past)) as own, own, own.cursor() as cursor:
        cursor.execute(LANDING)
    with duckdb.connect(str(build)) as made:
        made.execute("create schema gold; create table gold.much as select range as number from range(400000)")
    through = make_url(past).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    fault = proxy.break_with(Fault(CUT, spared=pieces))
    answer = subprocess.run(  # a process of its own, which DuckDB may end
        [sys.executable, "-c", COPY, str(build), through], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert fault.hits
    assert answer.returncode == 1, answer.stderr
    assert answer.stderr.startswith("Gold could not be copied to Postgres")


@pytest.mark.usefixtures("impatient")
def test_a_statement_that_takes_longer_than_all_the_looks_is_waited_for(postgres: Postgres) -> None:
    given = connection.parameters(postgres.fresh(), "test")
    with connection.connected(given) as own, own.cursor() as cursor:
        cursor.execute("select 'done', pg_sleep(6)")
        assert cursor.fetchall()[0][0] == "done"


def test_a_server_that_recovers_from_a_crash_is_waited_for(server: Postgres, tmp_path: Path) -> None:
    url = server.fresh()
    with closing(psycopg2.connect(url)) as busy, busy, busy.cursor() as cursor:
        cursor.execute("create table much as select number, repeat('x', 99) from generate_series(1, 500000) as number")
    with closing(psycopg2.connect(url)):
        crash(url)
    with pytest.raises(psycopg2.OperationalError, match=connection.STARTING):
        psycopg2.connect(url)
    warehouse_at(url, tmp_path).record_run(RUN)
