"""`login` as a person does it: agree in a browser, or paste the address on a machine without one."""

import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest

from sandbox.spotify import Server, serve
from sandbox.world import ensure
from tests.environment import Environment


@pytest.fixture
def person(tmp_path: Path) -> "tuple[Environment, Server]":
    world = ensure(tmp_path / "world", f"sqlite:///{tmp_path / 'catalog.sqlite'}", 7, 300)
    with serve(world) as server:
        yield (
            Environment(
                tmp_path / "data",
                {
                    "SOURCES__SPOTIFY_API__API_URL": server.api_url,
                    "SOURCES__SPOTIFY_API__ACCOUNTS_URL": server.accounts_url,
                    "SOURCES__SPOTIFY_API__CLIENT_ID": server.client_id,
                    "SOURCES__SPOTIFY_API__CLIENT_SECRET": server.client_secret,
                },
            ),
            server,
        )


def consent_address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return next(line.strip() for line in process.stdout if line.strip().startswith("http"))


def started(environment: Environment) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        environment.command("login", "--port", "0"),
        env=environment.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def token_files(environment: Environment) -> list[Path]:
    return [path for path in (environment.data_dir / "config").rglob("*") if path.is_file()]


def test_agreeing_in_a_browser_leaves_a_token_that_only_its_owner_reads(person: "tuple[Environment, Server]") -> None:
    environment, _ = person
    process = started(environment)
    urllib.request.urlopen(consent_address(process)).read()  # the sandbox agrees and redirects to loopback
    assert process.wait(60) == 0, process.stderr
    (token,) = token_files(environment)
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_pasting_the_redirected_address_works_without_a_browser_here(person: "tuple[Environment, Server]") -> None:
    environment, _ = person
    process = started(environment)
    address = consent_address(process)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(address)
    except urllib.error.HTTPError as answer:
        redirected = answer.headers["Location"]
    process.communicate(redirected + "\n", timeout=60)
    assert process.returncode == 0
    assert len(token_files(environment)) == 1
