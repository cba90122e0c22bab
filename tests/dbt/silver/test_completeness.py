"""The completeness ledger: what the polls prove, and where a gap may be."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dbt.silver.lake import Lake, at

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

START = at("2026-03-01")


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def poll(number: float, items: Collection[int], status: int = 200) -> dict[str, Any]:
    """A poll whose page holds plays that ended at the given minutes."""
    keys = [f"{minute(i).isoformat()}|spotify:track:{i}" for i in sorted(items, reverse=True)]
    return {
        "poll_id": f"poll{number}", "polled_at": minute(number), "status": status, "item_count": len(keys),
        "oldest_played_at": minute(min(items)) if keys else None, "newest_played_at": minute(max(items)) if keys else None,
        "digest": str(hash(tuple(keys))), "item_keys": json.dumps(keys),
    }  # fmt: skip


def ledger(lake: Lake) -> list[tuple[float, float, str]]:
    lake.build("+int_completeness")
    rows = lake.query("select from_at, to_at, state from silver.int_completeness order by from_at, to_at")
    return [((a - START) / timedelta(minutes=1), (b - START) / timedelta(minutes=1), state) for a, b, state in rows]


def test_pages_that_share_an_item_prove_the_time_between(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50)), poll(90, range(30, 80))])
    assert ledger(lake) == [(60, 90, "proven")]


def test_a_page_that_is_not_full_proves_that_nothing_is_missing(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(5)), poll(90, range(70, 80)), poll(95, range(0))])
    assert ledger(lake) == [(60, 95, "proven")]


def test_full_pages_without_a_common_item_open_a_gap(lake: Lake) -> None:
    lake.add(
        "spotify_api__polls",
        [poll(10, range(5)), poll(60, range(8, 58)), poll(200, range(120, 170)), poll(201, range(121, 171))],
    )
    assert ledger(lake) == [(10, 57, "proven"), (57, 120, "gap"), (120, 201, "proven")]


def test_plays_that_came_late_in_greater_number_than_fit_on_the_page_open_a_gap(lake: Lake) -> None:
    before, online = range(8, 58), range(170, 200)
    lake.add("spotify_api__polls", [poll(30, range(30)), poll(60, before), poll(200, {*before[-20:], *online})])
    assert ledger(lake) == [(30, 200, "proven")]
    late = range(110, 170)  # sixty, of which the twenty newest fit
    lake.add(
        "spotify_api__polls", [poll(210, {*late[-20:], *online}), poll(220, {*late[-10:], *online, *range(210, 220)})]
    )
    assert ledger(lake) == [(30, 57, "proven"), (57, 150, "gap"), (150, 220, "proven")]


def test_a_late_play_above_plays_that_were_known_opens_no_gap(lake: Lake) -> None:
    pages = [poll(60, {*range(7, 30), *range(31, 58)}), poll(70, range(8, 58)), poll(75, {*range(7, 57)})]
    lake.add("spotify_api__polls", pages)
    assert ledger(lake) == [(60, 75, "proven")]


def test_a_gap_within_a_gap_hides_nothing_of_it(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), poll(200, range(120, 170))])
    lost = {"path": "a", "table_name": "spotify_api__plays", "lost_rows": 8, "is_healed": False}
    lake.add("lake__losses", [lost | {"first_at": minute(82), "last_at": minute(89)}])
    assert ledger(lake) == [(60, 120, "gap"), (120, 200, "proven")]


def test_an_export_closes_the_gaps_that_it_spans(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), poll(200, range(120, 170)), poll(300, range(240, 290))])
    lake.add(
        "spotify_export__files", [{"file_id": "f", "archive": "a", "feed": "extended", "kind": "audio", "row_count": 2}]
    )
    rows = [
        {"file_id": "f", "row_number": n, "ts": minute(m).strftime("%Y-%m-%dT%H:%M:%SZ"), "ms_played": 1}
        for n, m in [(1, 20), (2, 130)]
    ]
    lake.add("spotify_export__streams", rows)
    assert ledger(lake) == [
        (60, 120, "covered by export"), (120, 169, "proven"), (169, 240, "gap"), (240, 300, "proven"),
    ]  # fmt: skip


def export(lake: Lake, *files: tuple[str, str, range]) -> None:
    """Files of account data by archive, name, and the minutes of their first and last row."""
    names = [{"file_id": f"f{n}", "archive": archive, "file": name} for n, (archive, name, _) in enumerate(files)]
    lake.add("spotify_export__files", [name | {"feed": "account", "kind": kind(name["file"])} for name in names])
    rows = [
        {"file_id": f"f{n}", "row_number": 10 * at, "end_time": f"{minute(time):%Y-%m-%d %H:%M}", "ms_played": 1}
        for n, (_, _, told) in enumerate(files)
        for at, time in enumerate((told.start, told.stop), start=1)
    ]
    lake.add("spotify_export__account_streams", rows)


def kind(file: str) -> str:
    return "podcast" if "podcast" in file else "audio"


MUSIC = "Spotify Account Data/StreamingHistory_music_{}.json"
PODCASTS = "Spotify Account Data/StreamingHistory_podcast_0.json"


@pytest.mark.parametrize(
    ("files", "state"),
    [
        # two exports whose archives bear one name, and nothing of the time between them
        ([("my.zip", MUSIC.format(0), range(20, 70)), ("my.zip", MUSIC.format(0), range(110, 290))], "gap"),
        ([("inbox", "2022/endsong_0.json", range(20, 70)), ("inbox", "2025/endsong_1.json", range(110, 290))], "gap"),
        # one export whose file between is missing
        ([("my.zip", MUSIC.format(0), range(20, 70)), ("my.zip", MUSIC.format(2), range(110, 290))], "gap"),
        # names without a number, though with years
        ([("my.zip", "Audio_2019.json", range(20, 70)), ("my.zip", "Audio_2020.json", range(110, 290))], "gap"),
        ([("my.zip", PODCASTS, range(20, 290))], "gap"),
        # quiet time between two files of one export, and inside a file
        (
            [("my.zip", MUSIC.format(0), range(20, 70)), ("my.zip", MUSIC.format(1), range(110, 290))],
            "covered by export",
        ),
        (
            [("my.zip", MUSIC.format(9), range(20, 70)), ("my.zip", MUSIC.format(10), range(110, 290))],
            "covered by export",
        ),
        ([("my.zip", MUSIC.format(0), range(20, 290))], "covered by export"),
        # what overlaps leaves no hole, whatever it is called
        ([("my.zip", "a.json", range(20, 90)), ("my.zip", "b.json", range(80, 290))], "covered by export"),
    ],
)
def test_an_export_covers_only_what_its_own_files_span(
    lake: Lake, files: list[tuple[str, str, range]], state: str
) -> None:
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), poll(200, range(120, 170))])
    export(lake, *files)
    assert ledger(lake) == [(60, 120, state), (120, 200, "proven")]


@pytest.mark.parametrize(
    ("files", "file", "row", "state"),
    [
        # between its neighbours it is a play of the gap, elsewhere in its file it is not
        ([range(20, 290)], 0, 1.5, "gap"),
        ([range(20, 290)], 0, 0.5, "covered by export"),
        ([range(20, 290)], 0, 2.5, "covered by export"),
        # at the end of a file, which may have been cut off there, or at the begin of the one that follows
        ([range(20, 70), range(110, 290)], 0, 2.5, "gap"),
        ([range(20, 70), range(110, 290)], 1, 0.5, "gap"),
        ([range(20, 40), range(110, 290)], 0, 1.5, "covered by export"),
        ([range(20, 70), range(110, 290)], 1, 2.5, "covered by export"),
        # what another file tells of the same time is no hole
        ([range(20, 290), range(30, 280)], 0, 1.5, "covered by export"),
    ],
)
def test_a_rejected_row_may_be_a_play_between_its_neighbours(
    lake: Lake, files: list[range], file: int, row: float, state: str
) -> None:
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), poll(200, range(120, 170))])
    export(lake, *(("my.zip", MUSIC.format(number), told) for number, told in enumerate(files)))
    lake.add("spotify_export__rejects", [{"file_id": f"f{file}", "row_number": int(10 * row), "reason": "cut off"}])
    assert ledger(lake) == [(60, 120, state), (120, 200, "proven")]


def test_plays_that_the_lake_lost_open_a_gap_that_says_how_many(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50)), poll(90, range(30, 80)), poll(120, range(70, 120))])
    lost = {"path": "a", "table_name": "spotify_api__plays", "lost_rows": 8, "is_healed": False}
    lake.add("lake__losses", [lost | {"first_at": minute(82), "last_at": minute(89.5)}])
    lake.build("+int_completeness")
    (found,) = lake.query("select from_at, to_at, missing_at_least from silver.int_completeness where state = 'gap'")
    assert (minute(82) - found[0] < timedelta(seconds=1), *found[1:]) == (True, minute(89.5), 8)
    assert [state for *_, state in ledger(lake)] == ["proven", "gap", "proven"]


def test_plays_that_are_held_back_open_a_gap_though_the_page_before_and_the_page_after_overlap(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50)), poll(120, range(31, 81))])  # the poll between is held back
    held = {"path": "a", "table_name": "spotify_api__plays", "lost_rows": 30, "is_healed": False}
    lake.add("lake__losses", [held | {"first_at": minute(61), "last_at": minute(79)}])
    assert [state for *_, state in ledger(lake)] == ["proven", "gap", "proven"]


def plays(*minutes: int) -> list[dict[str, Any]]:
    return [{"poll_id": "p", "played_at": minute(m), "track_uri": f"spotify:track:{m}"} for m in minutes]


def test_a_lost_file_whose_times_nobody_knows_opens_a_gap_where_only_pages_tell_of_plays(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50)), poll(90, range(30, 80)), poll(120, range(70, 120))])
    lake.add("spotify_api__plays", plays(*range(62), *range(66, 100), *range(101, 120)))
    assert ledger(lake) == [(60, 120, "proven")]
    lost = {"path": "a", "table_name": "spotify_api__plays", "reason": "no parquet file", "is_healed": False}
    lake.add("lake__losses", [lost])
    assert [(round(a), round(b), state) for a, b, state in ledger(lake)] == [
        (60, 62, "proven"), (62, 65, "gap"), (65, 100, "proven"), (100, 100, "gap"), (100, 120, "proven"),
    ]  # fmt: skip
    found = lake.query("select missing_at_least from silver.int_completeness where state = 'gap' order by from_at")
    assert found == [(4,), (1,)]


def test_an_empty_page_hides_no_gap(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), poll(70, range(0)), poll(200, range(120, 170))])
    assert ledger(lake) == [(60, 70, "proven"), (70, 120, "gap"), (120, 200, "proven")]


def test_a_full_page_of_which_no_item_can_be_read_proves_nothing(lake: Lake) -> None:
    unread = [poll(number, range(0)) | {"item_count": 50} for number in (100, 110)]
    lake.add("spotify_api__polls", [poll(60, range(8, 58)), *unread, poll(200, range(120, 170))])
    assert ledger(lake) == [(60, 100, "gap"), (100, 110, "gap"), (110, 120, "gap"), (120, 200, "proven")]


def test_a_poll_without_an_answer_proves_nothing(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50)), poll(70, range(0), status=429), poll(200, range(120, 170))])
    assert ledger(lake) == [(60, 120, "gap"), (120, 200, "proven")]


def test_one_poll_alone_has_no_stretch(lake: Lake) -> None:
    lake.add("spotify_api__polls", [poll(60, range(50))])
    assert ledger(lake) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.integers(0, 60), st.sampled_from([200, 200, 200, 0, 503])),
        min_size=2,
        max_size=12,
    )
)
def test_stretches_are_contiguous_from_the_first_answer_to_the_last(
    lake: Lake, steps: list[tuple[int, int, int]]
) -> None:
    lake.clear()
    now, polls = 100, []
    for wait, heard, status in steps:
        now += wait
        last = now - 1
        polls.append(poll(now, range(max(0, last - min(heard, 49)), last + 1), status))
    lake.add("spotify_api__polls", polls)
    rows = ledger(lake)
    answers = [p["polled_at"] for p in polls if p["status"] == 200]
    if len(answers) < 2:
        assert rows == []
        return
    assert minute(rows[0][0]) == answers[0]
    assert minute(rows[-1][1]) == answers[-1]
    assert all(a[1] == b[0] for a, b in zip(rows, rows[1:], strict=False))
    assert all(a[0] < a[1] for a in rows)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_arrival_changes_nothing(lake: Lake, order: int) -> None:
    polls = [poll(60, range(8, 58)), poll(200, range(120, 170)), poll(300, range(240, 290))]
    for load, one in enumerate(polls[::order], start=1):
        lake.add("spotify_api__polls", [one], load)
    assert ledger(lake) == [(60, 120, "gap"), (120, 169, "proven"), (169, 240, "gap"), (240, 300, "proven")]
