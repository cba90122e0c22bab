"""Days, hours, weeks and sessions of the simulated history against plain Python."""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.dbt.gold.conftest import ZONE
from tests.dbt.gold.history import History, Play
from tests.dbt.gold.reference import Listener, first_days, keys, sessions

pytestmark = pytest.mark.xdist_group("gold")  # one worker makes gold once for all

LISTENER = Listener(ZoneInfo(ZONE))
Con = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def counted(history: History) -> list[Play]:
    return LISTENER.counted(history)


def test_every_play_is_told_once_with_its_local_day_hour_and_weekday(gold: Con, history: History) -> None:
    rows = gold.execute(
        "select play_id, played_at, played_on, hour, weekday, is_counted from gold.fct_plays"
    ).fetchall()
    local = {p.play_id: LISTENER.local(p) for p in history.plays}
    expected = [
        (p.play_id, p.ended_at, (at := local[p.play_id]).date(), at.hour, at.isoweekday(), LISTENER.counts(p))
        for p in history.plays
    ]
    assert sorted(rows) == sorted(expected)


def test_the_history_holds_what_makes_calendars_hard(history: History, counted: list[Play]) -> None:
    offsets = {LISTENER.local(p).utcoffset() for p in counted}
    assert len(offsets) == 2, "plays on both sides of a clock change"
    assert any(LISTENER.day(p) != p.ended_at.date() for p in counted)
    assert any(p.is_by_name for p in counted)
    assert len(counted) < len(history.plays)


def test_sessions_break_only_where_silence_is_longer_than_the_gap(gold: Con, counted: list[Play]) -> None:
    rows = gold.execute("select session_id, started_at, ended_at, plays, ms_played from gold.sessions").fetchall()
    assert sorted(rows) == sorted(sessions(counted))


def test_each_counted_play_belongs_to_its_session(gold: Con, counted: list[Play]) -> None:
    found = dict(gold.execute("select session_id, count(*) from gold.fct_plays where is_counted group by 1").fetchall())
    assert found == {session[0]: session[3] for session in sessions(counted)}
    assert gold.execute(
        "select count(*) from gold.fct_plays where not is_counted and session_id is not null"
    ).fetchone() == (0,)


def test_daily_listening_is_recomputed_from_the_plays(gold: Con, history: History, counted: list[Play]) -> None:
    of = keys(history)
    days: dict[object, list[Play]] = defaultdict(list)
    for play in counted:
        days[LISTENER.day(play)].append(play)
    new_tracks = Counter(first_days(counted, lambda p: of[p.play_id].recording, LISTENER.day).values())
    new_artists = Counter(first_days(counted, lambda p: of[p.play_id].artist, LISTENER.day).values())
    gaps = [(a.astimezone(LISTENER.zone).date(), b.astimezone(LISTENER.zone).date()) for a, b in history.gaps]
    expected = [
        (day, len(ps), sum(p.ms_played for p in ps), len({of[p.play_id].artist for p in ps}),
         len({of[p.play_id].recording for p in ps}), new_artists[day], new_tracks[day],
         any(a <= day <= b for a, b in gaps), LISTENER.week_start(day))
        for day, ps in days.items()
    ]  # fmt: skip
    rows = gold.execute(
        """select played_on, plays, ms_played, artists, tracks, new_artists, new_tracks, is_minimum, week_starts_on
        from gold.daily_listening"""
    ).fetchall()
    assert sorted(rows) == sorted(expected)
    assert 0 < sum(row[7] for row in rows) < len(rows)


def test_weeks_begin_on_the_day_that_the_listener_chose(gold: Con, counted: list[Play]) -> None:
    expected = Counter(LISTENER.week_start(LISTENER.day(p)) for p in counted)
    rows = gold.execute("select week_starts_on, plays from gold.weekly_listening").fetchall()
    assert dict(rows) == expected
    assert {day.isoweekday() for day in expected} == {7}
    assert gold.execute("select week_place from gold.listening_clock where weekday = 7 and hour = 0").fetchone() == (1,)


def test_the_clock_has_all_cells_and_every_play_in_its_own(gold: Con, counted: list[Play]) -> None:
    plays: Counter[tuple[int, int]] = Counter()
    time: Counter[tuple[int, int]] = Counter()
    for play in counted:
        at = LISTENER.local(play)
        plays[at.isoweekday(), at.hour] += 1
        time[at.isoweekday(), at.hour] += play.ms_played
    expected = [(w, h, plays[w, h], time[w, h]) for w in range(1, 8) for h in range(24)]
    rows = gold.execute("select weekday, hour, plays, ms_played from gold.listening_clock order by all").fetchall()
    assert rows == expected


@pytest.mark.parametrize(
    "table",
    [
        "daily_listening",
        "listening_clock",
        "daily_clock",
        "weekly_listening",
        "daily_tracks",
        "daily_artists",
        "sessions",
        "platforms",
        "eras",
        "taste_by_month",
        "coverage",
        "streaks",
        "discoveries",
        "skips",
    ],
)
def test_no_mart_loses_or_adds_a_play(gold: Con, counted: list[Play], table: str) -> None:
    row = gold.execute(f"select sum(plays), sum(ms_played) from gold.{table}").fetchone()
    assert row == (len(counted), sum(p.ms_played for p in counted))
