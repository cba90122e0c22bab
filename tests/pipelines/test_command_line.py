"""The command line: nothing that was asked for is dropped in silence, and every end has its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.ingest import LOADERS
from pipelines.settings import SOURCES
from tests.environment import ROOT, Environment


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--every", "15m", "ingest", "catalog"), "--every"),
        (("--advance", "2h", "ingest", "spotify_api"), "--advance"),
        (("--full-refresh", "sql", "select 1"), "--full-refresh"),
        (("--every", "1m", "--full-refresh"), "--full-refresh"),
        (("--every", "1m", "--advance", "2h"), "--advance"),
    ],
    ids=" ".join,
)
def test_an_option_that_cannot_be_honoured_there_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    answer = Environment(tmp_path / "data").run(*arguments)
    assert answer.returncode == 2
    assert named in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("arguments", [("--full-refresh", "build"), ("build", "--full-refresh")], ids=" ".join)
def test_a_full_refresh_counts_before_and_after_its_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = Environment(tmp_path / "data").run("--profile", "prod", *arguments)
    assert answer.returncode == 2
    assert "build --full-refresh destroys or replaces something" in answer.stderr


@pytest.mark.parametrize("by", ["--profile", "WORKSPACE__PROFILE"])
def test_an_unknown_profile_is_refused_with_the_names_of_all_and_makes_no_folder(tmp_path: Path, by: str) -> None:
    name = f"unknown-{os.getpid()}"
    environment = Environment(tmp_path / "data", {} if by == "--profile" else {by: name})
    process = environment.start(*((by, name) if by == "--profile" else ()), "doctor")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    for known in ("dev", "staging", "prod", "tests"):
        assert known in said
    assert not (tmp_path / "data").exists()
    assert not list((ROOT / ".dlt").glob(f"*/{name}"))


@pytest.mark.parametrize("arguments", [("doctor",), ("sql", "--format", "csv", "from range(200000)")])
def test_a_reader_that_goes_ends_a_command_quietly(copied: Environment, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    answer = subprocess.run(
        copied.command(*arguments),
        stdout=writing, stderr=subprocess.PIPE, env=copied.variables, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (141, "")


@pytest.mark.parametrize("module", ["shell", "dashboard", "documents", "client", "spark"])
def test_what_make_starts_by_itself_tells_a_wrong_setting_in_one_paragraph(tmp_path: Path, module: str) -> None:
    environment = Environment(tmp_path / "data", {"LAKEHOUSE__TIMEZONE": "Mars/Olympus"})
    answer = subprocess.run(
        [sys.executable, "-m", f"pipelines.{module}", *(["psql"] if module == "client" else [])],
        cwd=ROOT, env=environment.variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert answer.stderr.startswith("LAKEHOUSE__TIMEZONE is 'Mars/Olympus'")
    assert len(answer.stderr.splitlines()) == 1


def test_make_sql_opens_the_profile_that_it_is_told(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pipelines.shell", "--profile", "prod", "-c", "select 1"],
        cwd=ROOT, env=Environment(tmp_path / "data").variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert "Nothing is built yet" in answer.stderr


def test_the_help_of_ingest_names_every_source_in_the_order_of_a_run() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "pipelines/run.py", "ingest", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "catalog, spotify_export, curation, spotify_api" in " ".join(told.split())
    assert tuple(LOADERS) == SOURCES
