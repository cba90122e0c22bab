"""`make mysql` and `make psql`: the shell of the server that the profile names."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.client import prompt
from sandbox.servers.mariadb import MariaDB
from sandbox.servers.postgres import Postgres
from tests.environment import ROOT, Environment

SLEEP = {"mysql": "select sleep(20)", "psql": "select pg_sleep(20)"}
FLAG = {"mysql": "-e", "psql": "-c"}


def settings_of(kind: str, url: str) -> dict[str, str]:
    name = "SOURCES__CATALOG__CREDENTIALS" if kind == "mysql" else "DESTINATION__WAREHOUSE__CREDENTIALS"
    return {name: url}


def command(kind: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipelines.client", kind, *arguments]


@pytest.fixture(params=["mysql", "psql"])
def server(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """Kind, URL and password of a server."""
    if request.param == "mysql":
        mariadb: MariaDB = request.getfixturevalue("mariadb")
        url = mariadb.reader(mariadb.fresh())
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.fresh()
    return request.param, url, url.partition("://")[2].partition("@")[0].partition(":")[2]


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
    server: tuple[str, str, str], tmp_path: Path
) -> None:
    kind, url, password = server
    if not shutil.which("psql" if kind == "psql" else "mariadb") and not shutil.which(kind):
        pytest.skip("no client on this machine: the prompt is tested below")
    env = Environment(tmp_path, settings_of(kind, url)).variables
    with subprocess.Popen(command(kind, "--", FLAG[kind], SLEEP[kind]), cwd=ROOT, env=env) as client:
        deadline = time.monotonic() + 30
        while "sleep(20)" not in (seen := processes()).replace("pipelines.client", "") or seen.count("sleep(20)") < 2:
            assert client.poll() is None, "the client ended before it asked"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.terminate()
    assert password not in seen or password == "postgres"  # the test server's own name
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
