"""A source that changes its shape: what adds evolves and is told, what would spoil stops its table until accepted."""

import json
import sqlite3
import threading
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import drift, ledger
from pipelines.bronze import over_bronze
from pipelines.flow import look
from pipelines.integrity import sound_snapshot
from pipelines.lake import Snapshot, pipeline_for
from pipelines.lock import hold
from pipelines.settings import Settings, load
from pipelines.store import open_store
from sources.catalog.database import open_database
from sources.catalog.schema import create_tables
from sources.drift import changes
from sources.spotify_api import spotify_api
from sources.spotify_api.journal import Batch
from tests.environment import Environment

TRACK = {"id": "t", "uri": "spotify:track:t", "name": "Song", "artists": [{"id": "a", "name": "Band"}], "popularity": 3}


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    """An environment with a catalog of its own and no sandbox."""
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    engine = open_database(url, create=True)
    create_tables(engine)
    engine.dispose()
    environment = Environment(tmp_path / "data", {"SOURCES__CATALOG__CREDENTIALS": url, "WORKSPACE__PROFILE": "prod"})
    change(environment, "insert into spotify_artists (artist_id, name, followers) values ('a', 'A', 1), ('b', 'B', 2)")
    change(environment, "insert into spotify_albums (album_id, name, album_type) values ('x', 'X', 'album')")
    assert environment.run("ingest", "catalog").returncode == 0
    return environment


def change(environment: Environment, *statements: str) -> None:
    with sqlite3.connect(environment.data_dir.parent / "catalog.sqlite") as catalog:
        for statement in statements:
            catalog.execute(statement)


def test_a_renamed_column_stops_its_table_alone_until_it_is_accepted(here: Environment) -> None:
    change(
        here,
        "alter table spotify_artists rename column name to title",
        "alter table spotify_albums add column mood text",
        "update spotify_albums set mood = 'glad'",
    )
    answer = here.run("ingest", "catalog")
    assert (answer.returncode, answer.stdout) == (1, "catalog: 1 new rows\n")
    assert "drift --accept catalog.spotify_artists.name" in answer.stderr
    assert "Traceback" not in answer.stderr
    shown = here.run("drift").stdout
    assert "stopped   catalog.spotify_artists.name is gone" in shown
    assert "evolved   catalog.spotify_artists.title is new (text)" in shown
    assert "evolved   catalog.spotify_albums.mood is new (text)" in shown
    assert "catalog.spotify_artists.name" in here.run("doctor").stdout
    assert here.run("ingest", "catalog").returncode == 1  # it stays stopped

    assert here.run("drift", "--accept", "catalog.spotify_artists.nonsense").returncode == 2
    assert here.run("drift", "--accept", "catalog.spotify_artists.name").returncode == 0
    answer = here.run("ingest", "catalog")
    assert (answer.returncode, answer.stdout) == (0, "catalog: 2 new rows\n"), answer.stderr
    assert "done      catalog.spotify_artists.name is gone" in here.run("drift").stdout
    assert here.run("ingest", "catalog").stdout == "catalog: 0 new rows\n"


def test_a_column_that_came_back_starts_its_table_by_itself(here: Environment) -> None:
    change(here, "alter table spotify_artists rename column name to title")
    assert here.run("ingest", "catalog").returncode == 1
    change(here, "alter table spotify_artists rename column title to name", "update spotify_artists set followers = 9")
    assert here.run("ingest", "catalog").returncode == 0
    assert "stopped" not in here.run("drift").stdout


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    return load()


def offer(settings: Settings, number: int, track: dict[str, Any]) -> Snapshot:
    """One load package with one poll and one play; what a build would read then."""
    at = f"2026-03-0{number}T10:00:00+00:00"
    item = {"played_at": at, "track": track, "context": None}
    poll = {
        "poll_id": str(number),
        "polled_at": at,
        "status": 200,
        "item_count": 1,
        "digest": str(number),
        "item_keys": "[]",
    }
    poll |= {"oldest_played_at": at, "newest_played_at": at}
    play = {
        "poll_id": str(number),
        "offered_at": at,
        "played_at": at,
        "track_id": "t",
        "track_uri": "u",
        "payload": json.dumps(item),
    }
    pipeline = pipeline_for(settings, "spotify_api")
    pipeline.run(spotify_api(Batch(str(number), {"polls": [poll], "plays": [play]}, {}))).raise_on_failed_jobs()
    return look(settings)


def held(settings: Settings) -> tuple[int, int]:
    snapshot = sound_snapshot(settings)
    return len(snapshot.paths("spotify_api__plays")), len(snapshot.paths("spotify_api__polls"))


def states(settings: Settings) -> dict[str, str]:
    return {known["place"]: known["state"] for known in ledger.read(open_store(settings.lake)).changes}


def test_fields_of_the_api_that_published_tables_need_hold_their_packages_back(settings: Settings) -> None:
    offer(settings, 1, TRACK)
    assert states(settings) == {}
    offer(settings, 2, {**TRACK, "mood": "glad", "popularity": None})
    assert states(settings) == {"spotify_api.plays.track.mood": "evolved"}
    assert held(settings) == (2, 2)
    seen = offer(settings, 3, {**TRACK, "name": {"text": "Song"}})
    assert len(seen.paths("spotify_api__plays")) == 2
    assert states(settings)["spotify_api.plays.track.name"] == "stopped"
    assert held(settings) == (2, 2)  # a poll goes with its plays
    offer(settings, 4, TRACK)
    assert held(settings) == (3, 3)  # what comes in the old shape goes on
    assert drift.drift(settings, Namespace(accept=["spotify_api.plays.track.name"])) == 0
    assert held(settings) == (4, 4)


def test_what_is_held_back_is_absent_with_its_days_until_it_is_accepted(settings: Settings) -> None:
    offer(settings, 1, TRACK)
    digest = sound_snapshot(settings).digest
    seen = offer(settings, 2, {**TRACK, "name": {"text": "Song"}})
    assert sound_snapshot(settings) == seen
    assert seen.digest != digest
    assert not seen.open_losses
    query = "select table_name, lost_rows, first_at::timestamp::varchar, is_healed from bronze.lake__losses order by 1"
    with over_bronze(settings.lake, seen, ["lake__losses"]) as connection:
        connection.execute("set timezone = 'UTC'")
        assert connection.execute(query).fetchall() == [
            ("spotify_api__plays", 1, "2026-03-02 10:00:00", False),
            ("spotify_api__polls", 1, "2026-03-02 10:00:00", False),
        ]
    assert drift.drift(settings, Namespace(accept=["spotify_api.plays.track.name"])) == 0
    assert sound_snapshot(settings).absent == ()


def test_what_a_run_notes_while_somebody_accepts_is_kept(settings: Settings) -> None:
    offer(settings, 1, TRACK)
    offer(settings, 2, {**TRACK, "name": {"text": "Song"}})
    accepting = threading.Thread(
        target=drift.drift, args=(settings, Namespace(accept=["spotify_api.plays.track.name"]))
    )
    with hold(settings, 0):
        accepting.start()
        time.sleep(0.3)  # it waits for the lock by now
        offer(settings, 3, {**TRACK, "mood": "glad"})
    accepting.join(30)
    assert states(settings) == {
        "spotify_api.plays.track.mood": "evolved",
        "spotify_api.plays.track.name": "done",
        "spotify_api.plays.track.name.text": "evolved",
    }


def test_a_value_never_seen_is_told_once(settings: Settings) -> None:
    offer(settings, 1, {**TRACK, "type": "track"})
    for number in (2, 3):
        offer(settings, number, {**TRACK, "type": "hologram"})
    found = [known for known in ledger.read(open_store(settings.lake)).changes if known["what"] == "value"]
    assert [(known["place"], known["now"], known["state"]) for known in found] == [
        ("spotify_api.plays.track.type", "hologram", "evolved")
    ]


KINDS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["text", "integer", "double", "timestamp"]))


@given(KINDS, KINDS, st.sets(st.sampled_from("abcdef")))
def test_only_what_is_vital_and_gone_or_of_another_family_stops(
    before: dict[str, str], now: dict[str, str], vital: set[str]
) -> None:
    found = {change.place.removeprefix("s.t."): change for change in changes("s.t", before, now, vital)}
    assert found.keys() == (
        {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)} if before else set()
    )
    for name, change in found.items():
        numbers = {before.get(name), now.get(name)} == {"integer", "double"}
        assert change.stops == (name in vital and name in before and not numbers)
