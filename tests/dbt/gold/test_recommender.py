"""Recommendations: what may be in them, how they are measured, and what happens on histories that say little."""

import math
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import duckdb
import pytest

from tests.dbt.gold.conftest import LISTENER, Build
from tests.dbt.gold.history import History, Play, catalog, simulated

pytestmark = pytest.mark.xdist_group("gold")  # one worker makes gold once for all

Con = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def lists(gold: Con) -> dict[tuple[str, str, int], list[str]]:
    """Recordings in order by kind, model and case."""
    found: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    rows = gold.execute(
        "select kind, model, case_id, recording_id from silver.int_rec_lists order by kind, model, case_id, place"
    ).fetchall()
    for kind, model, case, recording in rows:
        found[kind, model, case].append(recording)
    assert found
    return found


def streams(gold: Con) -> list[tuple[str, date, bool]]:
    return gold.execute("select recording_id, played_on, is_counted from silver.int_plays_keyed").fetchall()


def first_heard(gold: Con) -> dict[str, date]:
    """Day of the first stream of each recording, excluded ones too."""
    excluded = "select recording_id, played_on from gold.fct_plays where is_excluded and recording_id is not null"
    keyed = "select recording_id, played_on from silver.int_plays_keyed"
    return dict(
        gold.execute(f"select recording_id, min(played_on) from ({excluded} union all {keyed}) group by all").fetchall()
    )


def test_no_list_knows_the_future(gold: Con, lists: dict[tuple[str, str, int], list[str]]) -> None:
    cuts = dict(gold.execute("select case_id, cut_on from silver.int_rec_cases").fetchall())
    heard, first_on = streams(gold), first_heard(gold)
    for (kind, _, case), recordings in lists.items():
        before = defaultdict(list)
        for recording, day, counted in heard:
            if day < cuts[case]:
                before[recording].append((day, counted))
        for recording in recordings:
            if kind == "discover":
                assert recording not in first_on or first_on[recording] >= cuts[case]
            else:
                assert sum(counted for _, counted in before[recording]) >= 2
                assert (cuts[case] - max(day for day, _ in before[recording])).days > 30


def test_a_list_names_a_recording_once(lists: dict[tuple[str, str, int], list[str]]) -> None:
    assert all(len(set(found)) == len(found) <= 50 for found in lists.values())
    assert {model for _, model, _ in lists} == {"ours", "popularity", "recency", "random"}


def test_hit_rate_and_ndcg_are_recomputed_from_the_lists(
    gold: Con, lists: dict[tuple[str, str, int], list[str]]
) -> None:
    cases = gold.execute("select case_id, cut_on, until_on from silver.int_rec_cases where case_id > 0").fetchall()
    heard, first_on = streams(gold), first_heard(gold)
    hits: dict[tuple[str, int], list[float]] = defaultdict(list)
    gains: dict[tuple[str, int], list[float]] = defaultdict(list)
    for case, cut, until in cases:
        before = defaultdict(list)
        for recording, day, counted in heard:
            if day < cut:
                before[recording].append((day, counted))
        week = {recording for recording, day, counted in heard if counted and cut <= day <= until}
        targets = {
            "discover": {r for r in week if first_on[r] >= cut},
            "rediscover": {
                r for r in week
                if sum(c for _, c in before[r]) >= 2 and (cut - max(d for d, _ in before[r])).days > 30
            },
        }  # fmt: skip
        for kind, wanted in targets.items():
            for model in ("ours", "popularity", "recency", "random") if wanted else ():
                ranked = lists.get((kind, model, case), [])
                for k in (10, 50):
                    got = [1 / math.log2(place + 1) for place, r in enumerate(ranked[:k], 1) if r in wanted]
                    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(wanted)) + 1))
                    hits[model, k].append(float(bool(got)))
                    gains[model, k].append(sum(got) / ideal)
    value = {
        (m, n): v
        for m, n, v in gold.execute("select model, measure, value from gold.recommendation_quality").fetchall()
    }
    assert hits
    for (model, k), told in hits.items():
        assert value[model, f"hit_rate@{k}"] == pytest.approx(sum(told) / len(told), rel=1e-9)
        assert value[model, f"ndcg@{k}"] == pytest.approx(sum(gains[model, k]) / len(told), rel=1e-9, abs=1e-12)


def test_ours_is_published_only_where_it_beats_every_baseline(gold: Con) -> None:
    value = {
        (m, n): v
        for m, n, v in gold.execute("select model, measure, value from gold.recommendation_quality").fetchall()
    }
    shown = dict(gold.execute("select distinct kind, model from gold.recommendations").fetchall())
    for kind in ("rediscover", "discover"):
        beats = all(
            value[f"ours/{kind}", measure] > value[f"{model}/{kind}", measure]
            for model in ("popularity", "recency", "random")
            for measure in ("ndcg@10", "ndcg@50")
        ) and all(
            value[f"ours/{kind}", measure] >= value[f"{model}/{kind}", measure]
            for model in ("popularity", "recency", "random")
            for measure in ("hit_rate@10", "hit_rate@50")
        )
        assert (shown.get(kind, "ours") == "ours") == beats or kind not in shown
        told = gold.execute(
            "select distinct is_published from gold.recommendation_quality where model = ?", [f"ours/{kind}"]
        ).fetchall()
        assert told == [(beats,)]


def test_every_recommendation_has_a_reason_in_words(gold: Con) -> None:
    reasons = [r for (r,) in gold.execute("select reason from gold.recommendations").fetchall()]
    assert reasons
    assert all(len(r) > 10 and "\n" not in r for r in reasons)


def test_what_is_played_now_was_played_within_thirty_days(gold: Con) -> None:
    ages = gold.execute("""
        select max(cases.cut_on - plays.played_on), count(*) > 0
        from silver.int_rec_together as together
        inner join silver.int_rec_cases as cases using (case_id)
        asof join (select * from silver.int_plays_keyed where is_counted) as plays
            on together.seed_id = plays.recording_id and cases.cut_on > plays.played_on
    """).fetchone()
    assert ages is not None
    assert ages[1]
    assert ages[0] <= 30


@pytest.fixture(scope="module")
def reasons(build_gold: Build) -> dict[str, list[tuple[str, str]]]:
    """Tracks and reasons by kind of one who meets a recording of the newest album every week: new releases speak.

    Song 005 is finished twice and Song 006 heard in part twice in January, and both are skipped in February.
    """
    tracks = catalog(Random(1))
    newest = [track for track in tracks if track.album == 24]
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    plays = [Play(f"p{day:03}", first + timedelta(days=day), 200_000, tracks[1]) for day in range(102)]
    met = [replace(plays[66 + 7 * week], play_id=f"q{week}", track=newest[week]) for week in range(5)]
    finished = [
        replace(plays[day], play_id=f"f{day}", track=tracks[5], ms_played=tracks[5].duration_ms) for day in (1, 2)
    ]
    left = [
        replace(plays[day], play_id=f"l{day}", track=tracks[6], ms_played=60_000, reason_end="fwdbtn") for day in (1, 2)
    ]
    skipped = [
        replace(plays[50], play_id=f"s{n}", track=tracks[n], ms_played=1000, is_skipped=True, reason_end="fwdbtn")
        for n in (5, 6)
    ]
    history = History(tracks, plays + met + finished + left + skipped, known_by_year=frozenset({24}))
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with build_gold(history, "run", "+recommendations,path:models/gold", **LISTENER) as con:
        for kind, *told in con.execute(
            "select kind, track_name, reason from gold.recommendations order by kind, rank"
        ).fetchall():
            found[kind].append((told[0], told[1]))
    return found


def test_a_reason_names_the_month_of_what_it_counts(reasons: dict[str, list[tuple[str, str]]]) -> None:
    told = dict(reasons["rediscover"])
    assert told["Song 005"] == "You finished it 2 times, last in January 2026"
    assert told["Song 006"] == "You played it 2 times, last in January 2026"


def test_a_new_release_is_dated_as_far_as_its_date_is_known(reasons: dict[str, list[tuple[str, str]]]) -> None:
    told = [reason for _, reason in reasons["discover"]]
    assert told[0] == "New: released in 2033"
    assert told[-1].startswith("New: released in ")
    assert len(told[-1].split()) == 5


def at_random(days: int) -> History:
    """A listener without any habit: nothing can be foretold, so nothing may be sold as better."""
    history = simulated(3, datetime(2025, 1, 1, tzinfo=UTC), days)
    tracks = catalog(Random(3), 400)
    ordered = sorted(history.plays, key=lambda p: p.play_id)
    shuffled = [Play(p.play_id, p.ended_at, p.ms_played, tracks[int(p.play_id[:6], 16) % len(tracks)]) for p in ordered]
    return History(tracks, shuffled)


def test_a_model_that_is_no_better_than_chance_is_not_published(build_gold: Build) -> None:
    needed = "+recommendations,path:models/gold +recommendation_quality,path:models/gold"
    with build_gold(at_random(200), "run", needed, **LISTENER) as con:
        rows = con.execute("select model, measure, value, is_published from gold.recommendation_quality").fetchall()
        value = {(m, n): v for m, n, v, _ in rows}
        published = {m for m, _, _, p in rows if p}
        for kind in ("rediscover", "discover"):
            is_best = all(
                value[f"ours/{kind}", n] > value[f"{m}/{kind}", n]
                for m in ("popularity", "recency", "random")
                for n in ("ndcg@10", "ndcg@50")
            )
            assert is_best or f"ours/{kind}" not in published
        assert "ours" not in published
        models = {m for (m,) in con.execute("select distinct model from gold.recommendations").fetchall()}
        assert models - {"ours"}


def test_the_same_history_in_another_order_gives_the_same_gold(build_gold: Build, history: History, gold: Con) -> None:
    turned = History(history.tracks[::-1], history.plays[::-1], history.gaps)
    with build_gold(turned, **LISTENER) as con:
        for (table,) in gold.execute(
            "select table_name from information_schema.tables where table_schema = 'gold'"
        ).fetchall():
            ours = gold.execute(f"select * from gold.{table} order by all").fetchall()
            assert con.execute(f"select * from gold.{table} order by all").fetchall() == ours, table


def test_a_history_without_a_play_builds(build_gold: Build) -> None:
    with build_gold(History(catalog(Random(1)), []), "build", **LISTENER) as con:
        assert con.execute("select count(*), sum(plays) from gold.listening_clock").fetchone() == (168, 0)
        assert con.execute("select count(*) from gold.recommendations").fetchone() == (0,)
        assert con.execute("select count(*) from gold.catalog_trends").fetchone() != (0,)


def test_a_first_play_already_has_its_story_where_no_source_tells_what_is_popular(build_gold: Build) -> None:
    tracks = catalog(Random(1))
    play = Play("p1", datetime(2026, 1, 1, 23, 30, tzinfo=UTC), 60_000, tracks[1])
    again = Play("p2", play.ended_at + timedelta(minutes=5), 60_000, tracks[1], is_by_name=True)
    with build_gold(History(tracks, [play, again], popularity=None), **LISTENER) as con:
        assert con.execute("select played_on::varchar, plays, tracks from gold.daily_listening").fetchall() == [
            ("2026-01-02", 2, 1)
        ]
        assert con.execute("select distinct kind, model from gold.recommendations").fetchall() == [
            ("discover", "popularity")
        ]
        assert con.execute("select count(*) from gold.recommendations where reason is null").fetchone() == (0,)
        assert con.execute("select count(*) from gold.recommendation_quality").fetchone() == (0,)


def test_a_list_of_the_past_offers_who_was_a_stranger_then(build_gold: Build) -> None:
    """An artist that the listener met in the week after the cut is offered as on the evening before it."""
    tracks = catalog(Random(1))
    known, met = (next(t for t in tracks if t.artist == number) for number in (1, 4))
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    before = [Play(f"p{day}", first + timedelta(days=day), 200_000, known) for day in range(74)]
    after = [Play(f"q{day}", first + timedelta(days=74 + day), 200_000, met) for day in range(7)]
    needed = "+int_rec_lists,path:models/gold"
    offered = """
        select place, recording_id from silver.int_rec_lists
        where kind = 'discover' and model = 'ours' and case_id = ? order by 1
    """
    with build_gold(History(tracks, before), "run", needed, **LISTENER) as con:
        of_that_day = con.execute(offered, [0]).fetchall()
    with build_gold(History(tracks, before + after), "run", needed, **LISTENER) as con:
        judged = con.execute(offered, [1]).fetchall()
    assert met.recording_id in {recording for _, recording in of_that_day}
    assert judged == of_that_day


def test_an_empty_genre_is_no_reason(build_gold: Build) -> None:
    tracks = catalog(Random(1))
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    plays = [Play(f"p{day}", first + timedelta(days=day), 200_000, tracks[1]) for day in range(3)]
    needed = "+int_rec_unheard,path:models/gold"
    with build_gold(History(tracks, plays), "run", needed, **LISTENER) as con:
        found = con.execute("select distinct genre from silver.int_rec_unheard where genre is not null").fetchall()
    assert found
    assert ("",) not in found
