"""Every row of every feed has one reason, and what silver makes of them does not depend on how they arrived."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.dbt.silver.feeds import FEEDS, Told, catalog, tell
from tests.dbt.silver.lake import Lake, at
from tests.dbt.silver.life import live

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

STREAM = {
    "spotify_track_uri": "spotify:track:t",
    "master_metadata_track_name": "T",
    "master_metadata_album_artist_name": "A",
}


def file(name: str, feed: str = "extended", kind: str = "audio") -> dict[str, Any]:
    return {
        "file_id": name,
        "archive": "z",
        "file": name,
        "feed": feed,
        "kind": kind,
        "row_count": 0,
        "imported_at": at("2026-01-01"),
    }


def streams(name: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"file_id": name, "row_number": n, "ms_played": 100_000, **row} for n, row in enumerate(rows, start=1)]


def reasons(lake: Lake) -> dict[tuple[str, int], str]:
    lake.build()
    rows = lake.query("select file_id, row_number, reason from silver.play_observations where file_id is not null")
    assert len({row[:2] for row in rows}) == len(rows)
    return {(name, number): reason for name, number, reason in rows}


def test_each_row_of_an_export_has_one_reason(lake: Lake) -> None:
    lake.add(
        "spotify_export__files",
        [file("a"), file("v", kind="video"), file("l", "lastfm", "unknown"), file("c", "account")],
    )
    lake.add("spotify_export__streams", streams(
        "a",
        STREAM | {"ts": "2026-01-01T10:00:00Z"},
        STREAM | {"ts": "2026-01-01T10:10:00Z", "ms_played": 3000},
        STREAM | {"ts": "2026-01-01T10:20:00Z", "incognito_mode": True},
        {"ts": "2026-01-01T10:30:00Z", "spotify_episode_uri": "spotify:episode:e", "episode_name": "E", "episode_show_name": "S"},
        {"ts": "2026-01-01T10:40:00Z", "audiobook_uri": "spotify:show:b", "audiobook_title": "B"},
        STREAM | {"ts": "2026-01-01T10:00:00Z"},
        STREAM | {"ts": "2026-01-01T10:00:03Z"},
        STREAM | {"ts": "no time"},
        {"ts": "2026-01-01T11:00:00Z"},
    ))  # fmt: skip
    lake.add("spotify_export__streams", streams("v", {"ts": "2026-01-01T10:50:00Z"}))
    lake.add(
        "spotify_export__rejects",
        [{"file_id": "l", "row_number": 1, "reason": "no time"}, {"file_id": "l", "reason": "cut off"}],
    )
    lake.add("spotify_export__account_streams", [
        {"file_id": "c", "row_number": 1, "end_time": "2026-01-01 10:00", "artist_name": "A", "track_name": "T", "ms_played": 100_000},
        {"file_id": "c", "row_number": 2, "end_time": "2026-01-01 10:20", "artist_name": "A", "track_name": "T", "ms_played": 100_000},
        {"file_id": "c", "row_number": 3, "end_time": "2026-01-01 10:30", "artist_name": "S", "track_name": "E", "ms_played": 100_000},
    ])  # fmt: skip
    told = reasons(lake)
    assert [told["a", n] for n in range(1, 10)] == [
        "play", "short", "incognito", "podcast", "audiobook", "duplicate", "duplicate", "rejected", "play",
    ]  # fmt: skip
    assert (told["v", 1], told["l", 1]) == ("video", "rejected")
    assert [told["c", n] for n in (1, 2, 3)] == ["play", "incognito", "podcast"]
    assert Counter(source for (source,) in lake.query("select source from silver.int_plays_unified")) == {"extended": 3}


def test_two_real_plays_in_a_row_stay_two(lake: Lake) -> None:
    lake.add("spotify_export__files", [file("a"), file("c", "account")])
    ends = ("10:00:00", "10:01:40", "10:03:21")
    lake.add("spotify_export__streams", streams("a", *(STREAM | {"ts": f"2026-01-01T{end}Z"} for end in ends)))
    lake.add("spotify_export__account_streams", [
        {"file_id": "c", "row_number": n, "end_time": f"2026-01-01 {minute}", "artist_name": "A", "track_name": "T", "ms_played": 100_000}
        for n, minute in enumerate(("10:00", "10:01", "10:03"), start=1)
    ])  # fmt: skip
    lake.build()
    assert (
        lake.query("select source, sources, ms_played from silver.int_plays_unified")
        == [("extended", ["account", "extended"], 100_000)] * 3
    )


def test_equal_rows_of_account_data_are_as_many_plays_as_fit_into_a_minute(lake: Lake) -> None:
    lake.add("spotify_export__files", [file("c", "account"), file("d", "account")])
    row = {"end_time": "2026-01-01 10:00", "artist_name": "A", "track_name": "T"}
    short = [row | {"ms_played": 20_000}] * 2
    whole = [row | {"ms_played": 200_000}] * 2
    for name in "cd":
        lake.add(
            "spotify_export__account_streams",
            [{"file_id": name, "row_number": n, **r} for n, r in enumerate(short + whole, 1)],
        )
    assert Counter(reasons(lake).values()) == {"short": 2, "play": 1, "duplicate": 5}


def test_the_best_of_each_feed_is_told(lake: Lake) -> None:
    lake.add("spotify_export__files", [file("a"), file("l", "lastfm", "unknown")])
    lake.add("spotify_export__streams", streams("a", STREAM | {
        "ts": "2026-01-01T10:03:20Z", "ms_played": 150_000, "skipped": False, "platform": "ios", "reason_end": "trackdone",
    }))  # fmt: skip
    lake.add("spotify_export__lastfm_scrobbles", [
        {"file_id": "l", "row_number": 1, "listened_at": at("2026-01-01T10:00:00"), "artist_name": "A", "track_name": "T"},
        {"file_id": "l", "row_number": 2, "listened_at": at("2026-01-02T10:00:00"), "artist_name": "a", "track_name": "T (feat. B)"},
    ])  # fmt: skip
    lake.build()
    rows = lake.query(
        """select source, sources, track_id, ms_played, is_ms_played_estimated, is_skipped, platform, reason_end
        from silver.int_plays_unified order by ended_at"""
    )
    assert rows[0] == ("extended", ["extended", "lastfm"], "t", 150_000, False, False, "ios", "trackdone")
    assert rows[1][:5] == ("lastfm", ["lastfm"], "t", 30_000, True)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_order_of_arrival_changes_nothing(lake: Lake, seed: int) -> None:
    life = live("w", seed, days=8)
    told = tell(life, frozenset(FEEDS), seed, start_share=0.1)
    for table, rows in catalog(life).items():
        told.rows[table] = rows
    lake.add(
        "catalog__extracts", [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_artists")]
    )
    expected = None
    for order in range(3):
        arrive(lake, told, random.Random(order))
        lake.build()
        found = [lake.rows(name) for name in ("int_plays_unified", "play_observations", "int_tracks", "int_recordings")]
        assert expected is None or found == expected
        expected = found


def arrive(lake: Lake, told: Told, rng: random.Random) -> None:
    """Bring the same rows again, in another order and in other load packages; a file comes whole, and perhaps twice."""
    lake.clear(keep="catalog__extracts")
    for table, rows in told.rows.items():
        if table.startswith("catalog"):
            lake.add(table, rng.sample(rows, len(rows)))
    files = told.rows["spotify_export__files"]
    for load, one in enumerate(rng.sample(files, len(files)), start=1):
        for number in {load, load + rng.choice((0, 100))}:
            lake.add("spotify_export__files", [one], number)
            for table, rows in told.rows.items():
                mine = [row for row in rows if row.get("file_id") == one["file_id"]]
                if table != "spotify_export__files" and mine:
                    lake.add(table, rng.sample(mine, len(mine)), number)
    plays = told.rows["spotify_api__plays"]
    lake.add("spotify_api__plays", rng.sample(plays, len(plays)), rng.randint(1, 99))


def test_the_tests_of_the_models_pass_over_a_life(lake: Lake) -> None:
    told = tell(live("w", 5, days=6), frozenset(FEEDS), 5)
    for table, rows in told.rows.items():
        lake.add(table, rows)
    lake.build()
    assert lake.check() > 30
