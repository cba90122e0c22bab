"""What the security review tried (docs/security-review.md): secrets, permissions, names that are no names."""

import sqlite3
import stat
from pathlib import Path

import pytest

from sources.catalog.database import open_database
from sources.catalog.schema import create_tables
from tests.environment import Environment

PLANTED = {
    "SOURCES__CATALOG__CREDENTIALS": "mysql+pymysql://reader:pl4nted-catalog@127.0.0.1:1/spotify",
    "SOURCES__SPOTIFY_API__API_URL": "http://127.0.0.1:1/v1/",
    "SOURCES__SPOTIFY_API__ACCOUNTS_URL": "http://127.0.0.1:1",
    "SOURCES__SPOTIFY_API__CLIENT_ID": "an-app",
    "SOURCES__SPOTIFY_API__CLIENT_SECRET": "pl4nted-client",
    "SOURCES__SPOTIFY_API__REFRESH_TOKEN": "pl4nted-refresh",
    "DESTINATION__WAREHOUSE__CREDENTIALS": "postgresql://publisher:pl4nted-warehouse@127.0.0.1:1/music",
    "DESTINATION__WAREHOUSE__LOADER_PASSWORD": "pl4nted-loader",
}


def found_in(folder: Path) -> list[str]:
    """Files below a folder that hold a planted secret; the token file may."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "config")
    return [path.name for path in files if b"pl4nted" in path.read_bytes() and not _is_token_file(path)]


def _is_token_file(path: Path) -> bool:
    return path.name.startswith("spotify-") and stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [("doctor",), (), ("publish",), ("roles",)])
def test_no_secret_of_the_settings_reaches_a_message_a_log_or_a_file(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    environment = Environment(tmp_path / "data", {**PLANTED, "LAKEHOUSE__LOCK_WAIT": "1"})
    answer = environment.run(*arguments, "--profile", "staging")
    assert answer.returncode == 1
    assert "pl4nted" not in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert found_in(tmp_path) == []


def test_the_keys_of_a_bucket_reach_no_message_and_no_file(tmp_path: Path) -> None:
    bucket = {
        "DESTINATION__LAKE__BUCKET_URL": "s3://lake",
        "DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID": "pl4nted-key",
        "DESTINATION__LAKE__CREDENTIALS__AWS_SECRET_ACCESS_KEY": "pl4nted-secret",
        "DESTINATION__LAKE__CREDENTIALS__ENDPOINT_URL": "http://127.0.0.1:1",
        "LAKEHOUSE__LOCK_WAIT": "1",
    }
    answer = Environment(tmp_path / "data", bucket).run("build")
    assert answer.returncode == 1
    assert "pl4nted" not in answer.stdout + answer.stderr
    assert found_in(tmp_path) == []


def test_the_data_folder_is_the_listener_s_alone(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "below" / "data")
    environment.run("doctor")
    assert stat.S_IMODE(environment.data_dir.stat().st_mode) == 0o700


def test_names_that_are_statements_stay_names(tmp_path: Path) -> None:
    place = tmp_path / "catalog.sqlite"
    engine = open_database(f"sqlite:///{place}", create=True)
    create_tables(engine)
    engine.dispose()
    odd = 'x"; drop table spotify_tracks; --'
    with sqlite3.connect(place) as catalog:
        quoted = '"' + odd.replace('"', '""') + '"'
        catalog.execute(f"alter table spotify_artists add column {quoted} text")
        catalog.execute(f"insert into spotify_artists (artist_id, name, {quoted}) values (?, ?, 'v')", [odd, odd])
    settings = {"SOURCES__CATALOG__CREDENTIALS": f"sqlite:///{place}"}
    answer = Environment(tmp_path / "data", settings).run("ingest", "catalog", "--profile", "prod")
    assert (answer.returncode, answer.stdout) == (0, "catalog: 1 new rows\n"), answer.stderr
    settings["SOURCES__CATALOG__SPOTIFY_ARTISTS__CURSOR"] = odd
    answer = Environment(tmp_path / "data", settings).run("ingest", "catalog", "--profile", "prod")
    assert answer.returncode == 0, answer.stderr  # it is a column, however it reads
    with sqlite3.connect(place) as catalog:
        assert catalog.execute("select count(*) from spotify_tracks").fetchone() == (0,)
