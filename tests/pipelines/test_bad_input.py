"""Whatever is wrong: one readable paragraph, the right exit code, no traceback, no secret."""

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.environment import Environment

SECRET = "s3kret-p4ss"


def told(answer: "subprocess.CompletedProcess[str]") -> str:
    """What a person is told: the error without the machine's log lines."""
    text = "\n".join(line for line in answer.stderr.splitlines() if not line.startswith("{"))
    assert "Traceback" not in answer.stderr
    assert SECRET not in answer.stderr + answer.stdout
    return text


def test_a_catalog_that_does_not_answer_names_its_setting_and_no_password(tmp_path: Path) -> None:
    url = f"mysql+pymysql://reader:{SECRET}@127.0.0.1:1/spotify"
    answer = Environment(tmp_path, {"SOURCES__CATALOG__CREDENTIALS": url}).run("ingest", "catalog", "--profile", "prod")
    assert answer.returncode == 1
    assert "SOURCES__CATALOG__CREDENTIALS" in told(answer)
    assert SECRET not in (tmp_path / "logs/lakehouse.log").read_text()


@pytest.mark.servers
def test_a_wrong_password_is_told_without_it(tmp_path: Path, mariadb: "object") -> None:
    from sqlalchemy import make_url

    right = make_url(mariadb.fresh())  # type: ignore[attr-defined]
    wrong = right.set(username="nobody", password=SECRET).render_as_string(hide_password=False)
    environment = Environment(tmp_path, {"SOURCES__CATALOG__CREDENTIALS": wrong})
    answer = environment.run("ingest", "catalog", "--profile", "prod")
    assert answer.returncode == 1
    assert "Access denied" in told(answer)


def test_missing_tables_are_named_each(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.sqlite").execute("create table other (a)").close()
    environment = Environment(
        tmp_path / "data", {"SOURCES__CATALOG__CREDENTIALS": f"sqlite:///{tmp_path / 'empty.sqlite'}"}
    )
    answer = environment.run("ingest", "catalog", "--profile", "prod")
    assert answer.returncode == 1
    for table in ("spotify_tracks", "spotify_albums", "spotify_artists"):
        assert table in told(answer)


def test_a_csv_file_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "spotify_tracks.csv").write_bytes(os.urandom(3000))
    answer = Environment(tmp_path / "data").run("import-catalog", str(folder))
    assert answer.returncode == 1
    assert "spotify_tracks.csv" in told(answer)


def test_a_lake_that_cannot_be_made_names_its_setting(tmp_path: Path) -> None:
    answer = Environment(tmp_path, {"DESTINATION__LAKE__BUCKET_URL": "/proc/no-lake"}).run("build")
    assert answer.returncode == 1
    assert "DESTINATION__LAKE__BUCKET_URL" in told(answer)


def test_a_build_that_may_take_too_little_memory_names_its_setting(copied: Environment) -> None:
    answer = Environment(copied.data_dir, {"LAKEHOUSE__MEMORY_LIMIT": "20MB"}).run("build", "--full-refresh")
    assert answer.returncode == 1
    assert "Out of Memory" in told(answer)
    assert "LAKEHOUSE__MEMORY_LIMIT" in told(answer)


@pytest.mark.parametrize("arguments", [("nonsense",), ("ingest", "nowhere"), ("--every", "soon"), ("sql",)])
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = Environment(tmp_path).run(*arguments)
    assert answer.returncode == 2
    assert told(answer)
