"""Top lists of the simulated history against plain Python."""

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.dbt.gold.conftest import ZONE
from tests.dbt.gold.history import History, Play
from tests.dbt.gold.reference import Keys, Listener, Ranking, keys, most_played, ranking

pytestmark = pytest.mark.xdist_group("gold")  # one worker makes gold once for all

LISTENER = Listener(ZoneInfo(ZONE))
Con = duckdb.DuckDBPyConnection


def found(gold: Con, table: str, key: str) -> Ranking:
    rows = gold.execute(
        f"select period, period_start, {key}, rank, previous_rank, plays, ms_played from gold.{table}"
    ).fetchall()
    return {row[:3]: row[3:] for row in rows}


def genres(history: History, of: dict[str, Keys], play: Play) -> Iterable[str]:
    artist = of[play.play_id].artist
    return [] if artist.startswith("name:") else history.genres(int(artist.removeprefix("artist"))) or []


def artists(_: History, of: dict[str, Keys], play: Play) -> Iterable[str]:
    return [of[play.play_id].artist]


def albums(_: History, of: dict[str, Keys], play: Play) -> Iterable[str]:
    album = of[play.play_id].album
    return [album] if album else []


def by_key(shown: str, _: list[Play]) -> str:
    return shown


@pytest.mark.parametrize(
    ("table", "column", "of_play"),
    [
        ("top_artists", "artist_key", artists),
        ("top_albums", "album_key", albums),
        ("top_genres", "genre_id", genres),
    ],
)
def test_rankings_equal_plain_python(
    gold: Con,
    history: History,
    table: str,
    column: str,
    of_play: Callable[[History, dict[str, Keys], Play], Iterable[str]],
) -> None:
    of = keys(history)
    expected = ranking(LISTENER.counted(history), lambda p: of_play(history, of, p), LISTENER.day, by_key)
    assert found(gold, table, column) == expected
    assert any(previous for _, previous, _, _ in expected.values())


def test_top_tracks_rank_recordings_and_show_the_track_most_played_in_the_period(gold: Con, history: History) -> None:
    of = keys(history)
    counted = LISTENER.counted(history)

    def shown(recording: str, plays: list[Play]) -> str:
        return most_played(lambda p: of[p.play_id].track, plays) or recording

    expected = ranking(counted, lambda p: [of[p.play_id].recording], LISTENER.day, shown)
    assert found(gold, "top_tracks", "recording_id") == expected
    whole = {
        recording: most_played(
            lambda p: of[p.play_id].track, [p for p in counted if of[p.play_id].recording == recording]
        )
        for recording in {of[p.play_id].recording for p in counted}
    }
    rows = gold.execute("select recording_id, track_id from gold.top_tracks where period = 'all'").fetchall()
    assert dict(rows) == whole
    assert dict(gold.execute("select recording_id, track_id from gold.listened_tracks").fetchall()) == whole


def test_the_history_with_an_item_counts_skips_and_finishes_of_short_streams_too(gold: Con, history: History) -> None:
    of = keys(history)
    heard = [p for p in history.plays if not p.is_excluded]
    counted = LISTENER.counted(history)
    expected = {
        artist: (
            sum(of[p.play_id].artist == artist for p in heard),
            sum(of[p.play_id].artist == artist and p.is_skipped is True for p in heard),
            len({LISTENER.day(p) for p in counted if of[p.play_id].artist == artist}),
            min(p.ended_at for p in counted if of[p.play_id].artist == artist),
            max(p.ended_at for p in counted if of[p.play_id].artist == artist),
        )
        for artist in {of[p.play_id].artist for p in counted}
    }
    rows = gold.execute(
        "select artist_key, streams, skips, days, first_played_at, last_played_at from gold.listened_artists"
    ).fetchall()
    assert {row[0]: row[1:] for row in rows} == expected


def test_any_range_is_answered_from_the_daily_tables(gold: Con, history: History) -> None:
    of = keys(history)
    counted = LISTENER.counted(history)
    from_on, to_on = "2025-01-17", "2025-03-30"
    inside = [p for p in counted if from_on <= LISTENER.day(p).isoformat() <= to_on]
    expected: dict[str, int] = {}
    for play in inside:
        key = of[play.play_id].recording
        expected[key] = expected.get(key, 0) + 1
    rows = gold.execute(
        "select recording_id, sum(plays) from gold.daily_tracks where played_on between ? and ? group by 1",
        [from_on, to_on],
    ).fetchall()
    assert dict(rows) == expected
    assert expected
