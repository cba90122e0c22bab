"""Streaks, discoveries, taste, eras, records and the rest of the story against plain Python."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.dbt.gold.conftest import ZONE
from tests.dbt.gold.history import History, Play
from tests.dbt.gold.reference import Keys, Listener, first_days, keys, streaks

pytestmark = pytest.mark.xdist_group("gold")  # one worker makes gold once for all

LISTENER = Listener(ZoneInfo(ZONE))
Con = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def counted(history: History) -> list[Play]:
    return LISTENER.counted(history)


@pytest.fixture(scope="module")
def of(history: History) -> dict[str, Keys]:
    return keys(history)


def by_month(plays: list[Play]) -> dict[date, list[Play]]:
    months: dict[date, list[Play]] = defaultdict(list)
    for play in plays:
        months[LISTENER.day(play).replace(day=1)].append(play)
    return months


def test_streaks_are_days_in_a_row(gold: Con, counted: list[Play]) -> None:
    expected = streaks(LISTENER.day(p) for p in counted)
    rows = gold.execute("select started_on, ended_on, days from gold.streaks order by 1").fetchall()
    assert rows == expected
    assert len(expected) > 3
    best = gold.execute("select started_on from gold.streaks where rank = 1").fetchone()
    longest = max(days for _, _, days in expected)
    assert best in [(started,) for started, _, days in expected if days == longest]


def test_discoveries_are_first_plays_ever(gold: Con, counted: list[Play], of: dict[str, Keys]) -> None:
    firsts = {
        kind: Counter(d.replace(day=1) for d in first_days(plays, key, LISTENER.day).values())
        for kind, plays, key in [
            ("artist", counted, lambda p: of[p.play_id].artist),
            ("track", counted, lambda p: of[p.play_id].recording),
            ("album", [p for p in counted if of[p.play_id].album], lambda p: of[p.play_id].album),
        ]
    }
    expected = [(m, firsts["artist"][m], firsts["track"][m], firsts["album"][m]) for m in sorted(by_month(counted))]
    rows = gold.execute("select month, new_artists, new_tracks, new_albums from gold.discoveries order by 1").fetchall()
    assert rows == expected


def test_taste_weighs_features_by_listening_time(
    gold: Con, history: History, counted: list[Play], of: dict[str, Keys]
) -> None:
    tracks = {t.track_id: t for t in history.tracks}
    rows = {
        r[0]: r[1:]
        for r in gold.execute("select month, energy, valence, features_share from gold.taste_by_month").fetchall()
    }
    for month, plays in by_month(counted).items():
        known = [
            (t, p.ms_played) for p in plays if (t := tracks.get(of[p.play_id].track or "")) and t.energy is not None
        ]
        time = sum(ms for _, ms in known)
        energy = sum(t.energy * ms for t, ms in known if t.energy is not None) / time
        valence = sum(t.valence * ms for t, ms in known if t.valence is not None) / time
        share = time / sum(p.ms_played for p in plays)
        assert rows[month] == pytest.approx((energy, valence, share), rel=1e-9)
    assert rows.keys() == by_month(counted).keys()


def test_eras_are_decades_of_release_and_unknown_ones_are_told(
    gold: Con, history: History, counted: list[Play], of: dict[str, Keys]
) -> None:
    expected: Counter[str] = Counter()
    for play in counted:
        album = of[play.play_id].album or "name:"
        released = None if album.startswith("name:") else history.released_on(int(album.removeprefix("album")))
        expected[f"{released.year // 10 * 10}s" if released else "unknown"] += 1
    assert dict(gold.execute("select era, sum(plays) from gold.eras group by 1").fetchall()) == expected
    assert "unknown" in expected


def test_skips_are_shares_of_the_streams_whose_end_is_known(gold: Con, history: History) -> None:
    heard = [p for p in history.plays if not p.is_excluded]
    known = [p for p in heard if p.is_skipped is not None]
    row = gold.execute("select sum(streams), sum(streams_known), sum(skips) from gold.skips").fetchone()
    assert row == (len(heard), len(known), sum(bool(p.is_skipped) for p in known))


def test_platforms_add_up_and_silence_is_called_unknown(gold: Con, counted: list[Play]) -> None:
    expected = Counter(p.platform or "unknown" for p in counted)
    assert dict(gold.execute("select platform, sum(plays) from gold.platforms group by 1").fetchall()) == expected


def test_on_repeat_looks_thirty_days_back_from_the_newest_play(
    gold: Con, counted: list[Play], of: dict[str, Keys]
) -> None:
    last = max(LISTENER.day(p) for p in counted)
    recent = Counter(of[p.play_id].recording for p in counted if LISTENER.day(p) > last - timedelta(days=30))
    expected = {key: count for key, count in recent.items() if count >= 3}
    assert dict(gold.execute("select recording_id, plays from gold.on_repeat").fetchall()) == expected
    assert expected


def test_milestones_name_the_play_that_reached_them(gold: Con, counted: list[Play]) -> None:
    rows = gold.execute("select value, happened_at from gold.records where record = 'milestone' order by 1").fetchall()
    assert rows == [(n, counted[n - 1].ended_at) for n in (1, 100, 1000, 5000) if n <= len(counted)]
    assert len(rows) >= 2


def test_the_biggest_day_and_the_most_replayed_track_are_extremes(
    gold: Con, counted: list[Play], of: dict[str, Keys]
) -> None:
    def value(record: str) -> int:
        row = gold.execute("select value from gold.records where record = ? and place = 1", [record]).fetchone()
        assert row
        return int(row[0])

    assert value("biggest_day_by_plays") == max(Counter(LISTENER.day(p) for p in counted).values())
    assert value("most_replayed_track_in_a_day") == max(
        Counter((LISTENER.day(p), of[p.play_id].recording) for p in counted).values()
    )
    days: Counter[date] = Counter()
    for play in counted:
        days[LISTENER.day(play)] += play.ms_played
    assert value("biggest_day_by_time") == max(days.values())


def test_a_record_over_the_whole_history_is_a_minimum_where_the_history_has_a_gap(gold: Con, history: History) -> None:
    query = """select record, bool_and(is_minimum) from gold.records
        where record in ('most_faithful_artist', 'one_hit_obsession') group by record"""
    assert history.gaps
    assert dict(gold.execute(query).fetchall()) == {"most_faithful_artist": True, "one_hit_obsession": True}


def test_a_break_is_silence_and_no_gap(gold: Con, history: History, counted: list[Play]) -> None:
    runs = streaks(LISTENER.day(p) for p in counted)
    between = [(ended, started) for (_, ended, _), (started, _, _) in pairwise(sorted(runs))]
    ((first, last),) = ([at.astimezone(LISTENER.zone).date() for at in gap] for gap in history.gaps)
    silent = [(started - ended).days - 1 for ended, started in between if started < first or ended > last]
    rows = gold.execute("select value from gold.records where record = 'longest_break' order by place").fetchall()
    assert [value for (value,) in rows] == sorted(silent, reverse=True)[:3] != []
    assert len(silent) < len(between)


def test_import_balance_accounts_for_every_row_of_the_file(gold: Con, history: History) -> None:
    short = sum(not LISTENER.counts(p) for p in history.plays)
    rows = dict(gold.execute("select reason, rows from gold.import_balance").fetchall())
    assert rows == {"play": len(history.plays) - short, "short": short, "podcast": 1, "rejected": 1}


def test_catalog_trends_are_means_over_the_tracks_of_a_year(gold: Con, history: History) -> None:
    years: dict[int, list[float | None]] = defaultdict(list)
    for track in history.tracks:
        if track.album_id and (released := history.released_on(track.album)):
            years[released.year].append(track.valence)
    rows = {
        r[0]: r[1:] for r in gold.execute("select release_year, tracks, valence from gold.catalog_trends").fetchall()
    }
    assert rows.keys() == years.keys()
    for year, values in years.items():
        known = [v for v in values if v is not None]
        mean = sum(known) / len(known) if known else None
        assert rows[year][0] == len(values)
        assert rows[year][1] == (pytest.approx(mean, rel=1e-9) if mean is not None else None)
