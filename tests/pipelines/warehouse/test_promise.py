"""The promise of a publish: whatever happens, readers see one whole generation."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers.postgres import Postgres, serve
from tests.pipelines.warehouse.crash import crash, wait_for
from tests.pipelines.warehouse.hammer import ALL_AT_ONCE, Findings, Readers
from tests.pipelines.warehouse.synthetic import TABLES, make_build, plain_candidate
from tests.proxy import STRUCK, Fault, between

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[3]
log = logging.getLogger(__name__)


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.fresh()


@pytest.fixture
def warehouse(url: str, tmp_path: Path) -> PostgresWarehouse:
    return PostgresWarehouse(url, "dev", Project(tmp_path, tmp_path, tmp_path), plain_candidate)


def publish(warehouse: PostgresWarehouse, folder: Path, number: int) -> None:
    warehouse.publish(make_build(folder, number), f"r{number}", f"f{number}", TABLES)


@pytest.mark.parametrize("publishes", [10, pytest.param(200, marks=pytest.mark.torture)])
def test_readers_hammering_through_publishes_see_whole_generations(
    url: str, warehouse: PostgresWarehouse, tmp_path: Path, publishes: int
) -> None:
    publish(warehouse, tmp_path, 1)
    with Readers(url).reading() as findings:
        for number in range(2, publishes + 2):
            publish(warehouse, tmp_path, number)
            if number % 5 == 0:
                warehouse.rollback()
    log.warning("%s, worst %.2f s, broken %s", dict(findings.looks), findings.worst_seconds, findings.broken[:5])
    assert findings.broken == []
    assert len(findings.looks) == 4
    assert len(findings.generations) > publishes // 2


def look(url: str) -> int:
    findings = Findings()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(ALL_AT_ONCE)
        findings.judge("after a kill", cursor.fetchall())
    connection.close()
    assert findings.broken == []
    return findings.generations.pop()


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.torture)])
def test_a_publish_killed_after_any_statement_leaves_a_whole_generation(
    url: str, warehouse: PostgresWarehouse, tmp_path: Path, step: int
) -> None:
    publish(warehouse, tmp_path, 1)
    seen, killed, number = {1}, 0, 1
    for statement in range(1, 1000, step):
        number += 1
        build = make_build(tmp_path, number)
        command = [
            sys.executable,
            "-m",
            "tests.pipelines.warehouse.killed",
            url,
            str(build),
            f"r{number}",
            str(statement),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
        now = look(url)
        assert now in {max(seen), number}
        number += 1
        publish(warehouse, tmp_path, number)
        assert look(url) == number
        seen = {number}
    assert int(done.stdout) >= killed > 30 // step
    assert look(url) == number


@pytest.fixture(scope="module")
def crashing() -> Iterator[str]:
    """URL of an empty database on a server of its own."""
    with serve() as server:
        yield server.fresh()


STATEMENTS = (
    b"drop schema if exists candidate", b"create schema landing", b"COPY", b"convert_to", b"create table candidate",
    b"alter schema candidate", b"create or replace view", b"access exclusive mode", b"virtualxid = any", b"comment on",
    b"drop table",
)  # fmt: skip


def test_a_postgres_that_crashes_anywhere_in_a_publish_is_told_and_shows_one_whole_generation(
    crashing: str, tmp_path: Path
) -> None:
    own = PostgresWarehouse(crashing, "dev", Project(tmp_path, tmp_path, tmp_path), plain_candidate)
    at, number = make_url(crashing), 1
    publish(own, tmp_path, number)
    publish(own, tmp_path, number := number + 1)
    with between(at.host or "", at.port or 0) as proxy:
        through = at.set(port=proxy.port).render_as_string(hide_password=False)
        for statement in STATEMENTS:
            number += 1
            fault = proxy.break_with(Fault(STRUCK, statement, 1, lambda: crash(crashing)))
            module = "tests.pipelines.warehouse.killed"
            command = [sys.executable, "-m", module, through, str(make_build(tmp_path, number)), f"r{number}", "0"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert fault.hits == 1, statement
            assert done.returncode == 0 or (done.returncode == 1 and "problem.Problem" in done.stderr), done.stderr
            wait_for(crashing)
            assert look(crashing) in (number, number - 1)
            proxy.heal()
            publish(own, tmp_path, number := number + 1)
            assert look(crashing) == number
