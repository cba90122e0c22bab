"""How long to wait before the next poll."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.spotify_api.cadence import Bounds, Glance, Mood, affordable, mood, next_interval

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
BOUNDS = Bounds(base=QUARTER)


def polls(*new: int, step: timedelta = QUARTER, items: int = 50) -> list[Glance]:
    made = []
    for number, count in enumerate(new):
        at = START + number * step
        made.append(Glance(at, items, count, at - step / 2 if count else None))
    return made


def test_the_first_interval_is_what_was_asked_for():
    assert next_interval([], BOUNDS) == QUARTER
    assert next_interval(polls(50), BOUNDS) == QUARTER


def test_ordinary_listening_keeps_the_pace():
    assert next_interval(polls(50, 4, 5), BOUNDS) == QUARTER


def test_a_thin_overlap_shortens_the_interval():
    assert next_interval(polls(50, 40), BOUNDS) < QUARTER / 2
    assert next_interval(polls(50, 40), BOUNDS) < next_interval(polls(50, 20), BOUNDS)


def test_no_overlap_polls_as_often_as_allowed():
    assert next_interval(polls(50, 50), BOUNDS) == BOUNDS.shortest


def test_a_page_that_is_not_full_is_no_alarm():
    assert next_interval(polls(0, 3, items=3), BOUNDS) == QUARTER


def test_silence_lengthens_the_interval_up_to_twice():
    base = timedelta(minutes=10)
    assert next_interval(polls(50, 0, 0), Bounds(base)) == base
    assert base < next_interval(polls(50, 0, 0, 0, 0, 0), Bounds(base)) < 2 * base
    assert next_interval(polls(50, *[0] * 20), Bounds(base)) == 2 * base


@pytest.mark.parametrize(("minutes", "most"), [(15, 22), (20, 22), (22, 22), (30, 30), (60, 60)])
def test_after_silence_fifty_plays_of_thirty_seconds_still_fit_on_the_page(minutes, most):
    base = timedelta(minutes=minutes)
    assert next_interval(polls(50, *[0] * 20), Bounds(base)) == timedelta(minutes=most)


def test_the_budget_stretches_the_interval():
    assert affordable(600, timedelta(days=1)) == timedelta(minutes=2.4)
    assert affordable(2000, timedelta(days=1)) is None
    assert next_interval(polls(50, 50), BOUNDS, budget_left=timedelta(hours=2)) == timedelta(hours=2)


def test_silence_and_playing_are_told_apart():
    assert mood(polls(50)) is Mood.UNKNOWN
    assert mood(polls(50, 0)) is Mood.SILENT
    assert mood(polls(50, 3)) is Mood.PLAYING


def test_plays_that_were_held_back_prove_a_freeze():
    thawed = [*polls(50, 0, 0, 0), Glance(START + 4 * QUARTER, 50, 6, START + QUARTER)]
    assert mood(thawed) is Mood.FROZEN
    assert mood([*thawed, Glance(START + 5 * QUARTER, 50, 0)]) is Mood.FROZEN
    later = [Glance(START + number * QUARTER, 50, 0) for number in range(5, 9)]
    assert mood([*thawed, *later]) is Mood.SILENT


@given(
    new=st.lists(st.integers(0, 50), max_size=10),
    minutes=st.floats(0.1, 600),
    seed=st.integers(0, 1000),
)
def test_the_interval_stays_within_its_bounds(new, minutes, seed):
    wait = next_interval(polls(*new, step=timedelta(minutes=minutes)), BOUNDS, chance=random.Random(seed))
    assert BOUNDS.shortest * (1 - BOUNDS.jitter) <= wait <= BOUNDS.longest


@given(new=st.integers(1, 49), minutes=st.floats(2, 60))
def test_three_times_the_speed_still_overlaps(new, minutes):
    step = timedelta(minutes=minutes)
    wait = next_interval(polls(50, new, step=step), BOUNDS)
    assert wait <= BOUNDS.shortest or 3 * new * (wait / step) <= 50.001
