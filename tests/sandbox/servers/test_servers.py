"""The servers are real, empty at the start, and gone at the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import NullPool, create_engine, text

from sandbox.servers import postgres as postgres_module
from sandbox.servers import programs
from sandbox.servers.mariadb import MariaDB
from sandbox.servers.mariadb import serve as serve_mariadb
from sandbox.servers.postgres import Postgres
from sandbox.servers.postgres import serve as serve_postgres
from sandbox.servers.process import folder
from sandbox.servers.seaweedfs import S3
from sandbox.servers.seaweedfs import serve as serve_s3
from sources.problem import Problem
from tests.torture.served import start_again, takes_files

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[3]


def test_every_database_of_mariadb_is_empty_and_apart(mariadb: MariaDB) -> None:
    first, second = (create_engine(mariadb.fresh()) for _ in range(2))
    with first.begin() as connection:
        connection.execute(text("create table songs (name varchar(20))"))
        connection.execute(text("insert into songs values ('Пісня 🎵')"))
        assert connection.execute(text("select name from songs")).scalar_one() == "Пісня 🎵"
    with second.begin() as connection:
        assert connection.execute(text("show tables")).all() == []
    first.dispose()
    second.dispose()


def test_a_cleaned_database_of_mariadb_is_gone(mariadb: MariaDB) -> None:
    own = MariaDB(mariadb.url)
    engine = create_engine(own.fresh())
    own.clean()
    with pytest.raises(Exception, match="Unknown database"):
        engine.connect()


def test_every_database_of_postgres_is_empty_and_apart(postgres: Postgres) -> None:
    own = Postgres(postgres.url)
    first, second = own.fresh(), own.fresh()
    with psycopg2.connect(first) as connection, connection.cursor() as cursor:
        cursor.execute("create table public.songs as select 1 as n")
    with psycopg2.connect(second) as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('public.songs')")
        assert cursor.fetchone() == (None,)
    own.clean()
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(first)


def test_the_s3_server_checks_signatures(s3: S3) -> None:
    bucket = s3.fresh().bucket_url.removeprefix("s3://")
    s3.client().put_object(Bucket=bucket, Key="a", Body=b"1")
    forged = S3(s3.url.replace(s3.secret_key, "wrong"))
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        forged.client().get_object(Bucket=bucket, Key="a")


def test_the_s3_server_knows_conditional_writes(s3: S3) -> None:
    bucket = s3.fresh().bucket_url.removeprefix("s3://")
    s3.client().put_object(Bucket=bucket, Key="lease", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.client().put_object(Bucket=bucket, Key="lease", Body=b"2", IfNoneMatch="*")


def test_a_cleaned_bucket_is_gone(s3: S3) -> None:
    own = S3(s3.url)
    bucket = own.fresh().bucket_url.removeprefix("s3://")
    own.client().put_object(Bucket=bucket, Key="a/b", Body=b"1")
    own.clean()
    assert bucket not in [found["Name"] for found in own.client().list_buckets()["Buckets"]]


@pytest.mark.torture
def test_servers_that_are_killed_start_again_with_what_they_held() -> None:
    with serve_mariadb() as catalog, serve_postgres() as warehouse, serve_s3() as lake:
        urls = [catalog.fresh(), warehouse.fresh().replace("postgresql", "postgresql+psycopg2")]
        bucket = lake.fresh().bucket_url.removeprefix("s3://")
        for url in urls:
            execute(url, "create table held (number int)", "insert into held values (7)")
        lake.client().put_object(Bucket=bucket, Key="held", Body=b"7" * 5000)
        for server in (catalog.server, warehouse.server, lake.server):
            assert server
            server.kill()
            assert not server.answers()
            start_again(server)
        assert [execute(url, "select number from held") for url in urls] == [[(7,)], [(7,)]]
        deadline = time.monotonic() + 30
        while not takes_files(lake, bucket):
            assert time.monotonic() < deadline
        assert lake.client().get_object(Bucket=bucket, Key="held")["Body"].read() == b"7" * 5000


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        answers = [connection.execute(text(statement)) for statement in statements]
        return [tuple(row) for row in answers[-1]] if answers[-1].returns_rows else []


def test_a_server_dies_with_a_killed_test_run(tmp_path: Path) -> None:
    script = "import sys, time\nfrom sandbox.servers.postgres import serve\n"
    script += "with serve() as s:\n    print(s.server.child.pid, flush=True)\n    time.sleep(600)\n"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout
        server = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    deadline = time.monotonic() + 20
    while _is_alive(server):
        assert time.monotonic() < deadline, "the server outlived the run that started it"
        time.sleep(0.05)


def _is_alive(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


def test_a_folder_of_a_server_can_be_reached_by_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(closed))
    with folder("test") as place:
        assert all(part.stat().st_mode & 0o001 for part in [place, *place.parents])
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop its rights")
def test_a_wheel_that_the_unprivileged_user_cannot_reach_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = postgres_module._wheel()
    assert wheel
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "pginstall").symlink_to(wheel.parent)
    monkeypatch.setattr(postgres_module, "_wheel", lambda: closed / "pginstall" / "bin")
    monkeypatch.setattr(postgres_module, "_debian", list)
    with postgres_module.serve() as server, psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_a_package_that_does_not_exist_names_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"Run `apt-get install .* mariadb-server-core` as root.*TEST_MARIADB_URL"):
        programs.install(["mariadb-server-core"], "TEST_MARIADB_URL")


def test_one_command_runs_against_all_three_servers() -> None:
    script = (
        "import os, psycopg2; from sqlalchemy import create_engine as e;"
        "e(os.environ['SOURCES__CATALOG__CREDENTIALS']).connect();"
        "psycopg2.connect(os.environ['DESTINATION__WAREHOUSE__CREDENTIALS']);"
        "assert os.environ['DESTINATION__LAKE__BUCKET_URL'].startswith('s3://'); raise SystemExit(7)"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.servers", sys.executable, "-c", script], cwd=ROOT, check=False
    )
    assert done.returncode == 7
