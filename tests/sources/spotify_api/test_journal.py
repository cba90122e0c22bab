"""The write-ahead journal: whole lines count, a torn one never does, and the memory stays bounded."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.spotify_api.answers import judge
from sources.spotify_api.enrichment import object_event
from sources.spotify_api.journal import Journal
from sources.spotify_api.memory import BATCHES, FETCHED_IDS, REQUEST_DAYS, SEEN_KEYS, Memory
from sources.spotify_api.polls import poll_event

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def page(*numbers: int) -> bytes:
    items = [
        {
            "played_at": (START + timedelta(minutes=number)).isoformat(timespec="milliseconds"),
            "track": {"id": f"id{number}", "uri": f"spotify:track:{number}"},
        }
        for number in reversed(numbers)
    ]
    return json.dumps({"items": items}).encode()


def timeless(name: str, *numbers: int) -> bytes:
    """A page with an item that has no time."""
    items = json.loads(page(*numbers))["items"]
    return json.dumps({"items": [{"played_at": None, "track": {"name": name}}, *items]}).encode()


def poll_page(journal: Journal, body: bytes) -> None:
    journal.append(poll_event(judge(200, {}, body), journal.memory, START))


def poll(journal: Journal, *numbers: int, at: datetime = START) -> None:
    journal.append(poll_event(judge(200, {}, page(*numbers)), journal.memory, at))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "spotify_api.jsonl"


def test_a_journal_that_is_read_again_says_the_same(path):
    journal = Journal(path)
    assert journal.is_new
    poll(journal, *range(50))
    poll(journal, *range(5, 55))
    journal.append(object_event("albums", "an album", START, 404, None))
    again = Journal(path)
    assert not again.is_new
    assert again.memory == journal.memory
    assert again.rows() == journal.rows()
    assert [len(again.rows()[table]) for table in ("polls", "plays", "albums")] == [2, 55, 1]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1))
def test_a_write_that_was_interrupted_anywhere_leaves_the_events_before_it(tmp_path, share):
    path = tmp_path / f"{share}.jsonl"
    journal = Journal(path)
    poll(journal, 1, 2, 3)
    whole = path.stat().st_size
    poll(journal, 2, 3, 4)
    content = path.read_bytes()
    path.write_bytes(content[: whole + int(share * (len(content) - whole))])
    torn = Journal(path)
    before = path.read_bytes()
    assert len(torn.rows()["plays"]) in (3, 4)
    assert path.read_bytes() == before, "reading changes nothing"
    poll(torn, 2, 3, 4)
    assert len(Journal(path).rows()["plays"]) == 4


def test_a_batch_is_forgotten_when_the_lake_knows_it_and_not_before(path):
    journal = Journal(path)
    poll(journal, 1, 2, 3)
    batch = journal.prepare()
    poll(journal, 3, 4)
    after_the_crash = Journal(path)
    assert after_the_crash.loading == batch.id
    after_the_crash.settle(Memory())
    assert len(after_the_crash.rows()["plays"]) == 4
    known = Journal(path)
    assert known.loading is None
    batch = known.prepare()
    poll(known, 5)
    known.settle(Memory.from_json(batch.memory))
    assert [play["track_id"] for play in known.rows()["plays"]] == ["id5"]
    assert Journal(path).rows() == known.rows()


def test_what_another_machine_brought_is_not_brought_again(path):
    journal = Journal(path)
    poll(journal, 1, 2, 3)
    other = Memory(seen=[key for key in journal.memory.seen if "track:2" in key], batches=["theirs"])
    journal.settle(other)
    assert {play["track_id"] for play in journal.rows()["plays"]} == {"id1", "id3"}


def test_an_unchanged_page_waits_for_the_end_of_its_day(path):
    journal = Journal(path)
    poll(journal, 1)
    journal.settle(Memory.from_json(journal.prepare().memory))
    poll(journal, 1)
    assert not journal.is_due(START + timedelta(hours=11, minutes=59))
    assert journal.is_due(START + timedelta(hours=12))


def test_an_item_without_a_time_is_kept_once_with_its_reason(path):
    journal = Journal(path)
    poll(journal, 1)
    journal.settle(Memory.from_json(journal.prepare().memory))
    poll_page(journal, timeless("a", 1))
    assert journal.is_due(START)
    poll_page(journal, timeless("a", 1))
    poll_page(journal, timeless("b", 1))
    rejects = Journal(path).rows()["rejects"]
    assert [json.loads(row["raw"])["track"]["name"] for row in rejects] == ["a", "b"]
    assert {row["reason"] for row in rejects} == {"played_at is no time that can be read"}
    assert rejects[0]["poll_id"] == journal.rows()["polls"][0]["poll_id"]
    assert "plays" not in journal.rows()


def test_an_item_without_a_time_outlives_a_lost_lake_and_is_not_brought_twice(path):
    journal = Journal(path)
    poll(journal, 1)
    journal.settle(Memory.from_json(journal.prepare().memory))
    poll_page(journal, timeless("a", 1))
    journal.append({"event": "lake_lost"})
    (reject,) = journal.rows()["rejects"]
    journal.settle(Memory(seen=[reject["reject_id"]], batches=["theirs"]))
    assert "rejects" not in journal.rows()


def test_the_memory_is_bounded(path):
    memory = Memory()
    for number in range(900):
        answer = judge(200, {}, page(*range(number, number + 50)))
        memory.apply(poll_event(answer, memory, START + timedelta(hours=number)))
        memory.apply(object_event("tracks", f"id{number}", START, 200, "{}"))
        memory.apply({"event": "request", "day": f"{START + timedelta(hours=number):%Y-%m-%d}", "endpoint": "tracks"})
    assert len(memory.seen) == SEEN_KEYS
    assert len(memory.fetched) == FETCHED_IDS
    assert len(memory.requests) == REQUEST_DAYS
    assert len(json.dumps(memory.to_json())) < 100_000


def test_a_memory_of_another_version_is_taken_as_far_as_it_is_known():
    assert Memory.from_json({"seen": ["a"], "invented_later": 1}) == Memory(seen=["a"])


def test_merging_forgets_nothing_that_matters():
    mine = Memory(seen=["a"], requests={"2026-03-01": {"tracks": 5}}, not_before="2026-03-02T00:00:00+00:00")
    lake = Memory(
        seen=["b"],
        requests={"2026-03-01": {"tracks": 3, "me": 1}},
        not_before="2026-03-03T00:00:00+00:00",
        batches=[f"{number}" for number in range(BATCHES + 5)],
    )
    mine.merge(lake)
    assert mine.seen == ["a", "b"]
    assert mine.requests == {"2026-03-01": {"tracks": 5, "me": 1}}
    assert mine.not_before == lake.not_before
    assert len(mine.batches) == BATCHES


def test_what_a_lost_lake_held_is_named_by_no_poll_that_waits(path):
    journal = Journal(path)
    poll(journal, *range(50))
    journal.prepare()  # handed over, and never heard of again
    poll(journal, *range(50))
    poll(journal, *range(2, 52))
    journal.append({"event": "lake_lost"})
    poll(journal, *range(3, 53))
    again = Journal(path)
    assert again.rows() == journal.rows()
    offered = {f"{play['played_at']}|{play['track_uri']}" for play in again.rows()["plays"]}
    named = [json.loads(row["item_keys"]) for row in again.rows()["polls"]]
    assert [len(keys) for keys in named] == [50, 2, 50]
    assert set().union(*named) == offered
    assert again.rows()["polls"][1]["item_count"] == 50  # a full page stays one: what came before it is not proven
    assert again.rows()["polls"][1]["oldest_played_at"] == min(
        play["played_at"] for play in again.rows()["plays"][50:52]
    )
    again.settle(Memory(batches=["of the lost lake"]))
    assert len(again.rows()["plays"]) == 50 + 2 + 50
