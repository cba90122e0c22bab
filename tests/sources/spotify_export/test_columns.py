"""Every row is a row of its table or a reject, and the fast way accepts exactly what the careful way accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.spotify_export import columns as subject
from sources.spotify_export.columns import columns
from sources.spotify_export.feeds import ACCOUNT, EXTENDED, FEEDS

from .vintages import PERSONAL, PLANTED_PLATFORM, account, several, stream

TIMES = [
    "2021-02-12T06:14:19Z",
    "2021-02-12 06:14:19",
    "2021-02-12T06:14:19.123Z",
    "2021-02-12 06:14:19 UTC",
    "2021-02-12T06:14:19+01:00",
    "2021-02-30T06:14:19Z",
    "2021-02-12T24:00:00Z",
    "2021-02-12T06:14:60Z",
    "2021-02-12T06:14:19Z\n",
    "٢٠٢١-02-12T06:14:19Z",
    "2021-02-12",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59Z",
    "2021-11-21 03:00",
    "yesterday",
    "",
]
ODD = st.sampled_from(
    [None, True, 0, -1, 1.0, 1.5, 10**13, 2**53, 2**63, 1e300, "", "text", "a\0b", "12", [], {}, *TIMES]
)
KEYS = st.sampled_from(["ts", "ms_played", "shuffle", "offline_timestamp", "spotify_track_uri", "endTime", "msPlayed"])
CHANGES = st.dictionaries(KEYS, ODD, max_size=2)
GARBAGE = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(st.lists(CHANGES, min_size=1, max_size=6), st.sampled_from([EXTENDED, ACCOUNT]))
def test_the_fast_way_accepts_nothing_that_the_careful_way_rejects(changes, feed):
    make = stream if feed is EXTENDED else account
    rows = [make(number) | change for number, change in enumerate(changes)]
    reasons = [subject._problem(row, feed) for row in rows]
    assert subject._at_once(rows, feed) is None or not any(reasons)


@pytest.mark.parametrize(("make", "feed"), [(stream, EXTENDED), (account, ACCOUNT)])
def test_rows_as_they_usually_come_take_the_fast_way(make, feed):
    assert subject._at_once(several(make, 50), feed) is not None


@given(
    st.lists(
        GARBAGE | st.builds(lambda number, change: stream(number) | change, st.integers(0, 99), CHANGES), max_size=12
    )
)
def test_rows_are_columns_or_rejects(chunk):
    for feed in FEEDS:
        done = columns(list(chunk), feed, keep_place=False)
        assert sorted([*done.positions, *(reject.at for reject in done.rejects)]) == list(range(len(chunk)))
        assert done.values.num_rows == len(done.positions)
        assert done.values.schema.equals(feed.table.arrow_schema.remove(0).remove(0)) or not chunk
        assert all(reject.reason for reject in done.rejects)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts": ...}, "no ts"),
        ({"ts": None}, "no ts"),
        ({"ts": "12/02/2021"}, "ts is no time"),
        ({"ts": "2021-02-30T00:00:00Z"}, "ts is no time"),
        ({"ts": 1613110459}, "ts is not text"),
        ({"ts": "1970-01-01T00:00:00Z"}, "ts is not between 2000 and 2099"),
        ({"ms_played": ...}, "no ms_played"),
        ({"ms_played": -1}, "ms_played is negative"),
        ({"ms_played": "1000"}, "ms_played is not a whole number"),
        ({"ms_played": 0.5}, "ms_played is not a whole number"),
        ({"ms_played": 31 * 86_400_000 + 1}, "ms_played is too large"),
        ({"spotify_track_uri": 7}, "spotify_track_uri is not text"),
        ({"reason_end": "\0"}, "reason_end holds a NUL character"),
        ({"shuffle": "false"}, "shuffle is not true or false"),
        ({"offline_timestamp": 10**13}, "offline_timestamp is too large"),
        ({"offline_timestamp": 2**63}, "offline_timestamp is not a whole number"),
        ({"episode_name": {"ip_addr": PERSONAL["ip_addr"]}}, "episode_name is not text"),
    ],
)
def test_a_wrong_row_is_rejected_with_its_reason(change, reason):
    done = columns([stream(1), stream(2, **change), stream(3)], EXTENDED, keep_place=False)
    assert [(reject.at, reject.reason) for reject in done.rejects] == [(1, reason)]
    assert done.positions == [0, 2]
    raw = done.rejects[0].raw
    assert raw.startswith("{")
    assert not [value for value in (*PERSONAL.values(), "PLANTED", "QZ") if value in raw]


def test_a_row_that_is_no_object_is_told_by_its_kind_alone():
    done = columns([stream(1), PERSONAL["ip_addr"], None, 7, [1]], EXTENDED, keep_place=False)
    assert [reject.raw for reject in done.rejects] == ["(text of length 12)", "null", "(int)", "(list of length 1)"]


def test_numbers_written_with_a_fraction_of_zero_are_whole():
    assert columns([stream(1, ms_played=1000.0)], EXTENDED, keep_place=False).values["ms_played"].to_pylist() == [1000]


def test_place_is_reduced_unless_it_is_to_be_kept():
    reduced, kept = (columns(several(stream, 2), EXTENDED, keep_place=keep).values for keep in (False, True))
    assert (
        reduced.select(["platform", "conn_country"]).to_pylist() == [{"platform": "android", "conn_country": None}] * 2
    )
    assert (
        kept.select(["platform", "conn_country"]).to_pylist()
        == [{"platform": PLANTED_PLATFORM, "conn_country": "QZ"}] * 2
    )
