"""What an answer means, and how a page is read."""

import json
from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.spotify_api.answers import LONGEST_BAN, Verdict, judge
from sources.spotify_api.enrichment import wanted_by
from sources.spotify_api.memory import Memory
from sources.spotify_api.polls import poll_event, read_page

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"a": 1}', Verdict.OK),
        (200, b"", Verdict.BROKEN),
        (200, b"[1]", Verdict.BROKEN),
        (200, b'{"a": NaN}', Verdict.BROKEN),
        (200, b'{"a": "\xff"}', Verdict.BROKEN),
        (200, b"[" * 100_000, Verdict.BROKEN),
        (200, b"<html>", Verdict.BROKEN),
        (204, b"", Verdict.EMPTY),
        (302, b"", Verdict.BROKEN),
        (400, b"{}", Verdict.INVALID),
        (401, b"{}", Verdict.UNAUTHORIZED),
        (403, b"{}", Verdict.FORBIDDEN),
        (404, b"{}", Verdict.MISSING),
        (408, b"", Verdict.BROKEN),
        (429, b"slow down", Verdict.THROTTLED),
        (429, b'{"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}', Verdict.QUOTA),
        (429, b'{"error": "QUOTA_EXCEEDED"}', Verdict.THROTTLED),
        (500, b"", Verdict.BROKEN),
        (503, b"{}", Verdict.BROKEN),
    ],
)
def test_every_answer_has_one_meaning(status, body, verdict):
    assert judge(status, {}, body).verdict is verdict


@given(status=st.integers(100, 599), body=st.binary(max_size=200), wait=st.text(max_size=20))
def test_no_answer_is_too_strange(status, body, wait):
    answer = judge(status, {"Retry-After": wait}, body)
    assert answer.retry_after is None or 0 <= answer.retry_after <= LONGEST_BAN
    poll_event(answer, Memory(), AT)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("1.5", 1.5),
        ("-4", 0),
        ("99999999999", LONGEST_BAN),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("Sun, 01 Mar 2026 00:01:00 GMT", 60),
    ],
)
def test_retry_after_is_read_in_all_its_spellings(header, seconds):
    headers = {"Retry-After": header, "Date": "Sun, 01 Mar 2026 00:00:00 GMT"}
    assert judge(429, headers, b"{}").retry_after == seconds


def page(*items) -> bytes:
    return json.dumps({"items": list(items)}).encode()


def item(played_at="2026-03-01T10:00:00.123Z", **track) -> dict:
    return {"played_at": played_at, "track": track, "context": None}


def read(*items):
    return poll_event(judge(200, {}, page(*items)), Memory(), AT)


def test_a_local_file_has_a_uri_and_no_id():
    event = read(item(id=None, uri="spotify:local:artist:album:title:200"))
    assert event["plays"][0]["track_id"] is None
    assert event["keys"] == ["2026-03-01T10:00:00.123Z|spotify:local:artist:album:title:200"]


@pytest.mark.parametrize("key", [123, 1.5, True, ["a"], {"id": "a"}])
def test_an_id_that_is_no_text_is_none_and_the_play_is_kept(key):
    (play,) = read(item(id=key, uri="u"))["plays"]
    assert (play["track_id"], play["track_uri"]) == (None, "u")
    assert list(wanted_by(read_page(judge(200, {}, page(item(id=key, uri="u")))))) == []


def test_a_time_beyond_the_calendar_costs_its_item_alone():
    event = read(item("0001-01-01T00:00:00+01:00", uri="u"), item("9999-12-31T23:59:59-01:00", uri="u"), item(uri="v"))
    assert ([play["track_uri"] for play in event["plays"]], event["row"]["item_count"]) == (["v"], 3)


@pytest.mark.parametrize(
    ("given_at", "kept"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T11:00:00.5+01:00", "2026-03-01T10:00:00.500Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00.000Z"),
    ],
)
def test_times_are_utc_to_the_millisecond(given_at, kept):
    assert read(item(given_at, uri="u"))["plays"][0]["played_at"] == kept


def test_the_same_play_told_twice_on_a_page_is_one():
    event = read(item(uri="u"), item(uri="u"))
    assert len(event["plays"]) == 1
    assert event["row"]["item_count"] == 2


def test_an_item_that_cannot_be_read_leaves_the_page_full():
    event = read(item(uri="u"), {"played_at": "yesterday", "track": {}}, {"track": {}}, None)
    assert event["row"]["item_count"] == 4
    assert len(event["plays"]) == 1


def test_half_a_character_is_kept_as_a_sign_that_files_and_duckdb_can_read():
    raw = b'{"items": [{"played_at": "2026-03-01T10:00:00Z", "track": {"id": "\\uDE00", "uri": "u\\ud83d", "name": "a\\ud83d"}}]}'
    answer = judge(200, {}, raw)
    (play,) = poll_event(answer, Memory(), AT)["plays"]
    assert (play["track_id"], play["track_uri"]) == ("\ufffd", "u\ufffd")
    for text, path in ((play["payload"], "$.track.name"), (answer.text, "$.items[0].track.name")):
        assert duckdb.execute("select json_extract_string($1, $2)", [text, path]).fetchall() == [("a\ufffd",)]


def test_a_whole_character_written_in_two_halves_and_a_backslash_are_kept_as_received():
    raw = b'{"name": "\\ud83d\\ude00 \\\\ud83d"}'
    answer = judge(200, {}, raw)
    assert answer.text == raw.decode()
    assert answer.body == {"name": "\U0001f600 \\ud83d"}


def test_names_in_every_script_are_kept_readable():
    (play,) = read(item(uri="u", name="Ölüm — 残酷な天使 🎵"))["plays"]
    assert "残酷な天使 🎵" in play["payload"]


def test_an_empty_page_is_a_page():
    event = read()
    assert (event["row"]["status"], event["row"]["item_count"], event["row"]["item_keys"]) == (200, 0, "[]")


def test_read_page_of_an_error_is_empty():
    assert read_page(judge(500, {}, page(item(uri="u")))) == ()
