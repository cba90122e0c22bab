"""Every number of the page, computed again in plain Python from what the simulated listener really played."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import duckdb
import pytest

from pipelines.wrapped.questions import TASTE, TASTE_FEATURES
from tests.environment import Environment
from tests.pipelines.wrapped.reading import Page
from tests.pipelines.wrapped.truth import NOBODY, Truth, tops


def listed(page: Page, name: str) -> list[tuple[str, int, int]]:
    """A list of the page; what is known by no name is nobody's."""
    return [(NOBODY if key.startswith("name:") else key, plays, ms) for key, plays, ms in page.lists.get(name, [])]


def test_the_sums_are_those_of_the_plays(told: tuple[Page, Truth]) -> None:
    page, truth = told

    assert int(page.facts["minutes"]) == round(sum(play.ms for play in truth.now) / 60_000)
    assert int(page.facts["plays"]) == len(truth.now)
    assert int(page.facts["tracks"]) == len({play.recording for play in truth.now})
    assert int(page.facts["artists"]) == len({play.artist for play in truth.now})
    assert int(page.facts["days"]) == len({play.on for play in truth.now})


def test_the_top_lists_are_those_of_the_plays(told: tuple[Page, Truth]) -> None:
    page, truth = told

    assert listed(page, "top_artists") == tops(truth.now, lambda play: [play.artist])
    assert listed(page, "top_tracks") == tops(truth.now, lambda play: [play.recording])
    assert listed(page, "top_albums") == tops(truth.now, lambda play: [play.album])
    assert listed(page, "top_genres") == tops(truth.now, lambda play: set(truth.genres.get(play.artist, [])))


def test_discoveries_are_what_was_never_heard_before(told: tuple[Page, Truth]) -> None:
    page, truth = told
    start = min(play.at for play in truth.now)
    earlier = [play for play in truth.ever if play.at < start]

    songs = {play.recording for play in truth.now} - {play.recording for play in earlier}
    artists = {play.artist for play in truth.now} - {play.artist for play in earlier}

    assert int(page.facts["new_tracks"]) == len(songs)
    assert int(page.facts["new_artists"]) == len(artists)


def test_the_clock_names_the_busiest_hour_of_the_week(told: tuple[Page, Truth]) -> None:
    page, truth = told

    cells = Counter((play.at.isoweekday(), play.at.hour) for play in truth.now)
    (weekday, hour), plays = min(cells.items(), key=lambda cell: (-cell[1], cell[0]))

    assert page.facts["busiest_cell"] == f"{weekday}-{hour}-{plays}"


def test_the_biggest_day_is_the_one_with_the_most_music(told: tuple[Page, Truth]) -> None:
    page, truth = told
    days: Counter[date] = Counter()
    for play in truth.now:
        days[play.on] += play.ms

    biggest, ms = min(days.items(), key=lambda item: (-item[1], item[0]))

    assert page.facts["biggest_day"] == biggest.isoformat()
    assert int(page.facts["biggest_day_minutes"]) == round(ms / 60_000)


def test_the_streak_is_the_longest_run_of_days(told: tuple[Page, Truth]) -> None:
    page, truth = told
    longest = run = 1
    for day, following in pairwise(sorted({play.on for play in truth.now})):
        run = run + 1 if following - day == timedelta(days=1) else 1
        longest = max(longest, run)

    assert int(page.facts["streak"]) == longest


def test_habits_are_shares_of_the_plays(told: tuple[Page, Truth]) -> None:
    page, truth = told
    plays = len(truth.now)
    start = min(play.on for play in truth.now)
    known = {play.recording for play in truth.ever if play.on < start}
    shares = {
        "top_ten_share": sum(count for _, count in Counter(play.artist for play in truth.now).most_common(10)),
        "new_share": sum(play.recording not in known for play in truth.now),
        "night_share": sum(play.at.hour >= 22 or play.at.hour < 5 for play in truth.now),
        "weekend_share": sum(play.at.isoweekday() >= 6 for play in truth.now),
    }

    for name, count in shares.items():
        assert float(page.facts[name]) == pytest.approx(count / plays, abs=1e-6), name


def test_the_personality_follows_its_rules(told: tuple[Page, Truth]) -> None:
    page, truth = told
    known = [play for play in truth.now if play.track and truth.features[play.track]["energy"]]
    ms = sum(play.ms for play in known)
    energy, valence = (
        sum(play.ms * float(truth.features[str(play.track)][name]) for play in known) / ms
        for name in ("energy", "valence")
    )
    mood = {(True, True): "Radiant", (True, False): "Fierce", (False, True): "Easygoing", (False, False): "Wistful"}
    top, new = float(page.facts["top_ten_share"]), float(page.facts["new_share"])
    kind = ("Trailblazer" if new >= 0.35 else "Devotee") if top >= 0.4 else "Explorer" if new >= 0.35 else "Collector"

    assert f"{mood[energy >= 0.5, valence >= 0.5]} {kind}" in page.text
    assert f"energy {energy:.2f}" in page.text


def test_obsessions_are_songs_that_are_nearly_all_of_their_artist(told: tuple[Page, Truth]) -> None:
    page, truth = told
    artists = Counter(play.artist for play in truth.now)
    songs = Counter((play.recording, play.artist) for play in truth.now)

    found = [
        song for song, plays in songs.items() if plays >= 10 and plays >= 0.6 * artists[song[1]] and song[1] != NOBODY
    ]

    assert int(page.facts.get("obsession_count", 0)) == min(len(found), 5)


def test_the_sql_on_the_page_gives_the_numbers_on_the_page(told: tuple[Page, Truth], built: Environment) -> None:
    page, _ = told
    (query,) = {sql for sql in page.queries if "as new_artists" in sql}

    (answer,) = built.ask(query)

    assert answer["plays"] == page.facts["plays"]
    assert answer["new_artists"] == page.facts["new_artists"]


def test_the_range_before_is_compared_with() -> None:
    from pipelines.span import span, year

    assert year(2024).before.first == date(2023, 1, 1)
    assert year(2025, date(2025, 2, 3)).before.last == date(2024, 2, 3)
    assert year(2024, date(2024, 2, 29)).before.last == date(2023, 2, 28)
    before = span("2025-03-10", "2025-03-12").before
    assert (before.first, before.last) == (date(2025, 3, 7), date(2025, 3, 9))
    long = span("2000-01-01", "2999-12-31").before  # there is no day before the first
    assert (long.last, long.days) == (date(1999, 12, 31), (date(2999, 12, 31) - date(2000, 1, 1)).days + 1)
    assert long.before.first == date.min


def test_time_that_nobody_listened_for_weighs_nothing() -> None:
    with duckdb.connect() as con:
        con.execute("create schema gold")
        con.execute(
            "create table gold.daily_tracks as select date '2025-01-01' as played_on, 'a' as track_id, 0 as ms_played"
        )
        con.execute(
            f"create table gold.dim_tracks as select 'a' as track_id, {', '.join(f'0.5 as {f}' for f in TASTE_FEATURES)}"
        )
        told = con.execute(TASTE.format(first="date '2025-01-01'", last="date '2025-01-01'")).fetchall()
    assert set(told[0]) == {None}
