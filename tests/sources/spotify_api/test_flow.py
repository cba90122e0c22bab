"""Polls against Spotify on loopback, into a real lake."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sources.spotify_api.answers import judge
from sources.spotify_api.polls import poll_event

DAY = timedelta(days=1)


def offered(place) -> list[tuple[datetime, str]]:
    """The truth as far as the API ever told it."""
    plays = place.server.admin("GET /admin/plays")
    return sorted((datetime.fromisoformat(play["played_at"]), play["uri"]) for play in plays if play["was_offered"])


def test_the_first_poll_keeps_the_whole_page(place):
    result = place.poll()
    assert (result.status, result.new_plays, result.loaded) == ("new", 50, True)
    assert place.keys() == offered(place)
    (poll,) = place.rows("polls")
    assert (poll["status"], poll["item_count"]) == (200, 50)
    assert poll["newest_played_at"] == max(place.keys())[0]
    assert poll["polled_at"] == place.clock()


def test_a_quiet_poll_is_one_request_and_makes_no_pipeline(place):
    place.poll()
    place.forget_requests()
    place.pipelines_made = 0
    result = place.poll()
    assert (result.status, result.loaded) == ("quiet", False)
    assert place.requests() == ["/v1/me/player/recently-played"]
    assert result.requests == {"recently-played": 1}
    assert place.pipelines_made == 0
    assert len(place.rows("polls")) == 1


def test_plays_between_polls_are_kept_once(place):
    place.poll()
    for _ in range(12):
        place.advance(hours=1)
        place.poll()
    assert place.keys() == offered(place)
    assert len(place.keys()) > 50
    assert len(set(place.keys())) == len(place.keys())


def test_quiet_polls_come_to_the_lake_with_the_next_package(place):
    place.poll()
    place.poll()
    place.poll()
    assert len(place.rows("polls")) == 1
    place.advance(days=1)
    place.poll()
    assert len(place.rows("polls")) == 4


def test_quiet_polls_are_loaded_when_the_day_is_over(place):
    place.poll()
    place.fault("frozen")
    place.poll()
    place.advance(hours=23)
    assert place.poll().loaded
    assert place.poll().new_plays == 0


def test_an_empty_machine_goes_on_where_the_lake_ends(place):
    place.poll()
    before = place.keys()
    place.empty_machine()
    result = place.poll()
    assert result.new_plays == 0
    assert place.keys() == before
    place.advance(hours=6)
    place.poll()
    assert place.keys() == offered(place)


def test_two_machines_that_take_turns_keep_each_play_once(place, tmp_path):
    from dataclasses import replace

    other = replace(place, root=tmp_path / "other")
    for machine in (place, other, place, other, place):
        machine.poll()
        place.advance(hours=3)
    assert len(set(place.keys())) == len(place.keys())
    assert place.keys() == offered(place)


def test_a_play_that_vanishes_and_comes_back_is_kept_once(place):
    place.poll()
    rule = place.fault("vanish", share=0.5)
    place.advance(minutes=30)
    place.poll()
    place.server.admin("DELETE /admin/faults", {"id": rule})
    place.poll()
    assert len(set(place.keys())) == len(place.keys())
    assert place.keys() == offered(place)


def test_an_item_without_a_time_reaches_the_lake_beside_the_plays(place):
    journal = place.journal()
    page = b'{"items": [{"played_at": null, "track": {"name": "Timeless"}}]}'
    journal.append(poll_event(judge(200, {}, page), journal.memory, place.clock()))
    place.poll()
    (reject,) = place.rows("rejects")
    assert json.loads(reject["raw"])["track"]["name"] == "Timeless"
    assert reject["poll_id"] in {poll["poll_id"] for poll in place.rows("polls")}
    assert len(place.rows("plays")) == 50


def test_late_and_disordered_plays_are_kept(place):
    place.fault("late", share=0.5, seconds=7200)
    place.fault("out_of_order", share=0.5)
    for _ in range(24):
        place.poll()
        place.advance(minutes=40)
    place.calm()
    place.poll()
    assert place.keys() == offered(place)


def test_times_are_utc_whatever_the_clock_of_the_caller(place):
    utc = place.clock
    place.clock = lambda: utc().astimezone(datetime.now().astimezone().tzinfo)
    place.poll()
    assert place.rows("polls")[0]["polled_at"] == utc()
    assert place.rows("plays")[0]["offered_at"].tzinfo is not None


def test_the_payload_is_the_item(place):
    import json

    place.poll()
    row = place.rows("plays")[0]
    item = json.loads(row["payload"])
    assert item["track"]["uri"] == row["track_uri"]
    assert datetime.fromisoformat(item["played_at"]).astimezone(UTC) == row["played_at"]


@pytest.mark.parametrize("table", ["plays", "polls", "tracks", "albums", "artists", "accounts"])
def test_every_table_has_its_declared_columns(place, table):
    import pyarrow.parquet as pq

    from sources.spotify_api.tables import TABLES

    place.poll(fetch_limit=5)
    (declared,) = (entry for entry in TABLES if entry.name == table)
    for file in (place.lake / "spotify_api" / table).glob("*.parquet"):
        schema = pq.read_schema(file)
        assert schema.names == [*declared.columns, "_dlt_load_id"]
        assert [schema.field(name).type for name in declared.columns] == list(declared.arrow_schema.types)


def belongs_to(place, listener: str, lineage: str = "another login") -> None:
    """What this machine knows of its lake: whose it is, by which login."""
    journal = place.journal()
    journal.memory.account = {"id": listener, "lineage": lineage}
    journal.start_over(journal.memory)


def test_the_account_is_met_once_and_another_listener_is_turned_away(place):
    place.poll()
    assert len(place.rows("accounts")) == 1
    belongs_to(place, "somebody else")
    result = place.poll()
    assert result.status == "refused"
    assert "another listener" in str(result.problem)
    assert result.requests.get("recently-played") is None


@pytest.mark.parametrize("status", [503, 403, 404])
def test_a_new_login_takes_no_play_before_spotify_says_whose_it_is(place, status):
    belongs_to(place, "the first listener")
    place.fault("status", path="/v1/me", times=3, status=status)
    for _ in range(2 if status == 503 else 4):
        result = place.poll()
        assert result.status == "refused"
        assert "whose the new login is" in str(result.problem) or "another listener" in str(result.problem)
        assert result.requests.get("recently-played") is None
    assert place.rows("plays") == []


def test_a_listener_whose_name_is_refused_and_who_is_the_only_one_polls(place):
    place.fault("status", path="/v1/me", times=1, status=403)
    assert place.poll().new_plays == 50
    assert place.poll().requests == {"recently-played": 1}
    place.given(None)
    place.log_in()
    assert place.poll().requests["me"] == 1


@pytest.mark.parametrize("name", ["account_id", "id"])
def test_a_listener_is_known_by_either_name_and_keeps_it(place, name):
    from sources.spotify_api.accounts import Accounts

    store = place.connection.store
    _, grant = Accounts(place.connection.app, store, place.http).refresh(store.load(place.clock()), place.clock())
    headers = {"Authorization": f"Bearer {grant.access_token}"}
    known = requests.get(f"{place.server.api_url}me", headers=headers, timeout=5).json()[name]
    belongs_to(place, known)
    assert place.poll().status == "new"
    assert [row["account_id"] for row in place.rows("accounts")] == [known]
    assert place.journal().memory.account["id"] == known


QUIET = """
import sys
from datetime import datetime
from pathlib import Path
from sources.spotify_api.accounts import App
from sources.spotify_api.flow import Connection, poll
folder, api_url, accounts_url, client_id, token_folder, now = sys.argv[1:]
connection = Connection(api_url, App(accounts_url, client_id), None, Path(token_folder))
at = datetime.fromisoformat(now)
result = poll(lambda: sys.exit("a pipeline was made"), Path(folder), connection, now=lambda: at)
heavy = {"pandas", "pyarrow", "duckdb", "numpy", "s3fs", "sqlalchemy"} & set(sys.modules)
print(result.status, dict(result.requests), sorted(heavy))
"""


def test_a_quiet_poll_loads_no_heavy_library(place):
    import subprocess
    import sys

    place.poll()
    arguments = [place.folder, place.server.api_url, place.server.accounts_url, place.server.client_id]
    command = [sys.executable, "-c", QUIET, *map(str, arguments), str(place.root / "tokens"), place.clock().isoformat()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said == "quiet {'recently-played': 1} []\n"


def test_polls_while_the_lake_is_out_of_reach_come_to_it_later(place):
    place.poll()
    aside = place.lake.with_name("aside")
    place.lake.rename(aside)
    place.lake.write_text("not a folder")
    for _ in range(3):
        place.advance(hours=10)
        with pytest.raises(Exception, match="lake"):
            place.poll()
    place.lake.unlink()
    aside.rename(place.lake)
    place.poll()
    assert place.keys() == offered(place)
    assert len(place.rows("polls")) == 5
