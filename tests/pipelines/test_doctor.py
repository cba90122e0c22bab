"""`run.py doctor`: what is not right is said, with what to do; what is right is said rightly."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.environment import Environment

CLOSED = {
    "DESTINATION__LAKE__BUCKET_URL": "s3://lake",
    "DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID": "a",
    "DESTINATION__LAKE__CREDENTIALS__AWS_SECRET_ACCESS_KEY": "b",
    "DESTINATION__LAKE__CREDENTIALS__ENDPOINT_URL": "http://127.0.0.1:1",
}


def lines(environment: Environment, *arguments: str) -> dict[str, str]:
    """Mark and text of each check by its name."""
    told = [line for line in environment.run("doctor", *arguments).stdout.splitlines() if line[2:4] == "  "]
    return {line[4:20].strip(): f"{line[:2]} {line[21:]}" for line in told}


def test_the_budget_is_that_of_the_sandbox_s_day(built: Environment) -> None:
    spent = int(lines(built)["api budget"].split()[1])
    assert 0 < spent <= 600


def test_in_prod_nobody_promises_a_catalog_of_the_sandbox(tmp_path: Path) -> None:
    told = lines(Environment(tmp_path / "data"), "--profile", "prod")["catalog"]
    assert told.startswith("!! No catalog")
    assert "SOURCES__CATALOG__CREDENTIALS" in told
    assert "the first run fills" in lines(Environment(tmp_path / "data"))["catalog"]


def test_a_catalog_of_views_lacks_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as database:
        for name in ("spotify_tracks", "spotify_albums", "spotify_artists"):
            database.execute(f"create table base_{name} (id text)")
            database.execute(f"create view {name} as select * from base_{name}")
    url = f"sqlite:///{tmp_path}/catalog.db"
    told = lines(Environment(tmp_path / "data", {"SOURCES__CATALOG__CREDENTIALS": url}))["catalog"]
    assert told.startswith("ok ")
    assert "spotify_artists 0 rows" in told


def test_a_folder_of_rules_that_was_named_and_is_missing_is_told(tmp_path: Path) -> None:
    missing = Environment(tmp_path / "data", {"LAKEHOUSE__CURATION": str(tmp_path / "rules")})
    assert lines(missing)["curation"].startswith(f"!! {tmp_path / 'rules'} is no folder")
    (tmp_path / "rules").mkdir()
    assert lines(missing)["curation"].startswith("ok")
    assert lines(Environment(tmp_path / "data"))["curation"].startswith("ok")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("LAKEHOUSE__ALERT_URL", "https://hooks.example.org/services/s3cret", "ok hooks.example.org is posted to"),
        ("LAKEHOUSE__ALERT_COMMAND", "cat -u", "ok cat is run"),
        ("LAKEHOUSE__ALERT_COMMAND", "no-such-program-here -u", "!! LAKEHOUSE__ALERT_COMMAND cannot be run"),
        ("LAKEHOUSE__ALERT_COMMAND", "mail 'me", "!! LAKEHOUSE__ALERT_COMMAND is no command line"),
        ("LAKEHOUSE__ALERT_COMMAND", "", "ok nobody is told"),
    ],
)
def test_who_is_told_of_a_failure_is_looked_at(tmp_path: Path, setting: str, value: str, told: str) -> None:
    found = lines(Environment(tmp_path / "data", {setting: value}))["alerts"]
    assert found.startswith(told)
    assert "s3cret" not in found


def test_what_a_bucket_complains_of_is_told_once_and_whole(tmp_path: Path) -> None:
    told = lines(Environment(tmp_path / "data", CLOSED))["lake"]
    assert told.startswith("!! The lake s3://lake does not answer as it should")
    assert told.count("s3://lake ") == told.count("check") + told.count("Check") == 1
    assert told.endswith("DESTINATION__LAKE__CREDENTIALS__*.")


def test_a_folder_that_cannot_be_the_lake_is_told(tmp_path: Path) -> None:
    told = lines(Environment(tmp_path / "data", {"DESTINATION__LAKE__BUCKET_URL": "/proc/no-lake"}))["lake"]
    assert told.startswith("!! /proc/no-lake cannot be used (No such file or directory)")


def test_a_folder_that_cannot_keep_renewed_tokens_is_told(tmp_path: Path) -> None:
    app = {"SOURCES__SPOTIFY_API__CLIENT_ID": "app", "SOURCES__SPOTIFY_API__REFRESH_TOKEN": "given"}
    assert lines(Environment(tmp_path / "data", app), "--profile", "prod")["spotify"].startswith("ok")
    closed = Environment(tmp_path / "data", app | {"XDG_CONFIG_HOME": "/proc/no-config"})
    told = lines(closed, "--profile", "prod")["spotify"]
    assert told.startswith("!! /proc/no-config/listening-lakehouse cannot be written")
    assert "XDG_CONFIG_HOME" in told
