"""`make mysql` and `make psql`: the shell of the server that the profile names."""

import io
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from pipelines.client import PACKAGES, PROGRAMS, prompt
from sandbox.servers.mariadb import MariaDB
from sandbox.servers.postgres import Postgres
from sandbox.servers.programs import find, install
from tests.environment import ROOT, Environment

SLEEP = {"mysql": "select sleep(20)", "psql": "select pg_sleep(20)"}
FLAG = {"mysql": "-e", "psql": "-c"}


def settings_of(kind: str, url: str) -> dict[str, str]:
    name = "SOURCES__CATALOG__CREDENTIALS" if kind == "mysql" else "DESTINATION__WAREHOUSE__CREDENTIALS"
    return {name: url}


def command(kind: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipelines.client", kind, *arguments]


@contextmanager
def own_role(postgres: Postgres) -> Iterator[str]:
    """URL of a fresh database for a role with a password that nobody could guess."""
    url, role, password = postgres.fresh(), f"client_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    with closing(psycopg2.connect(postgres.url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"create role {role} login password '{password}'")
        yield f"postgresql://{role}:{password}@{url.partition('@')[2]}"
        cursor.execute(f"drop role {role}")


@pytest.fixture(params=["mysql", "psql"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, str]]:
    """Kind, URL and password of a server."""
    if request.param == "mysql":
        mariadb: MariaDB = request.getfixturevalue("mariadb")
        url = mariadb.reader(mariadb.fresh())
        yield request.param, url, password_of(url)
    else:
        with own_role(request.getfixturevalue("postgres")) as url:
            yield request.param, url, password_of(url)


def password_of(url: str) -> str:
    return url.partition("://")[2].partition("@")[0].partition(":")[2]


def path_with_client(kind: str, folder: Path | None) -> str:
    """A PATH with the server's own client, which is installed where it is missing."""
    there = [find(program, *filter(None, [folder])) for program in PROGRAMS[kind]]
    if not any(there):
        there = [find(PROGRAMS[kind][0], install([PACKAGES[kind]], "PATH") / "usr" / "bin")]
    program = next(filter(None, there), None)
    assert program, f"apt-get install {PACKAGES[kind]}"
    return os.pathsep.join([str(program.parent), os.environ["PATH"]])


def processes() -> str:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


@pytest.mark.servers
def test_the_server_s_own_client_opens_and_no_list_of_processes_shows_the_password(
    server: tuple[str, str, str], tmp_path: Path, postgres: Postgres
) -> None:
    kind, url, password = server
    path = path_with_client(kind, postgres.bin_dir)
    env = {**Environment(tmp_path, settings_of(kind, url)).variables, "PATH": path}
    with subprocess.Popen(command(kind, "--", FLAG[kind], SLEEP[kind]), cwd=ROOT, env=env) as client:
        deadline = time.monotonic() + 30
        while "sleep(20)" not in (seen := processes()).replace("pipelines.client", "") or seen.count("sleep(20)") < 2:
            assert client.poll() is None, "the client ended before it asked"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.terminate()
    assert len(password) > 8
    assert password not in seen
    answer = subprocess.run(
        command(kind, FLAG[kind], "select 40 + 2"), cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert "42" in answer.stdout


@pytest.mark.servers
def test_without_a_client_a_small_prompt_answers_and_names_the_package(
    server: tuple[str, str, str], tmp_path: Path
) -> None:
    kind, url, _ = server
    env = {**Environment(tmp_path, settings_of(kind, url)).variables, "PATH": os.devnull}
    answer = subprocess.run(
        command(kind), cwd=ROOT, env=env, capture_output=True, text=True, check=True,
        input="select '100%' as share,\n null as nothing;\n",
    )  # fmt: skip
    assert answer.stdout == "share\tnothing\n100%\tNULL\n"
    assert "apt-get install" in answer.stderr


@pytest.mark.servers
def test_the_prompt_tells_an_error_and_goes_on(postgres: Postgres) -> None:
    told = io.StringIO()
    url = postgres.fresh()
    assert prompt(url, io.StringIO("select nothing;\n"), told) == 1
    assert prompt(url, io.StringIO("select nothing;\ncreate table t (n int);\nselect 1 as n;\n"), told) == 0
    assert "does not exist" in told.getvalue()
    assert told.getvalue().endswith("n\n1\n")


@pytest.mark.parametrize("kind", ["mysql", "psql"])
def test_a_profile_without_such_a_server_is_told_which_setting_names_one(tmp_path: Path, kind: str) -> None:
    answer = subprocess.run(
        command(kind, "--profile", "dev"), cwd=ROOT, env=Environment(tmp_path).variables, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    (setting,) = settings_of(kind, "")
    assert setting in answer.stderr
