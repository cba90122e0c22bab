"""The numbers that the page tells in words, pictures and lists, computed again from what was really played."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from itertools import pairwise

from tests.pipelines.wrapped.reading import Page
from tests.pipelines.wrapped.truth import NOBODY, Heard, Truth, tops

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
GAP = timedelta(minutes=30)
LISTS: dict[str, Callable[[Truth, Heard], Iterable[str | None]]] = {
    "top_artists": lambda _, play: [play.artist],
    "top_tracks": lambda _, play: [play.recording],
    "top_albums": lambda _, play: [play.album],
    "top_genres": lambda truth, play: set(truth.genres.get(play.artist, [])),
}


def minutes(plays: Iterable[Heard]) -> int:
    return round(sum(play.ms for play in plays) / 60_000)


def lasting(ms: int) -> str:
    whole = round(ms / 60_000)
    return f"{whole // 60} h {whole % 60:02} min" if whole >= 60 else f"{whole} min"


def against(now: int, before: int) -> str:
    change = (now - before) / before
    if abs(change) < 0.005:
        return f"as before ({before:,})"
    return f"{'▲' if change > 0 else '▼'} {abs(change):.0%} from {before:,}"


def test_each_sum_is_compared_with_that_of_the_range_before(told: tuple[Page, Truth]) -> None:
    page, truth = told
    sums: dict[str, Callable[[list[Heard]], int]] = {
        "minutes": minutes,
        "plays": len,
        "songs": lambda plays: len({play.recording for play in plays}),
        "artists": lambda plays: len({play.artist for play in plays}),
        "days with music": lambda plays: len({play.on for play in plays}),
    }
    assert truth.before, "nothing to compare with tests nothing"

    for label, count in sums.items():
        now, before = count(truth.now), count(truth.before)
        assert f"{label} {now:,} {against(now, before)}" in page.text, label
    assert f"Compared with {truth.span.before.label}." in page.text
    days = sum(play.ms for play in truth.now) / 86_400_000
    assert f"{days:,.1f} days and nights" in page.text


def test_discoveries_are_compared_with_those_of_the_range_before(told: tuple[Page, Truth]) -> None:
    page, truth = told

    for label, key in (("new artists", "artist"), ("new songs", "recording")):
        first: dict[str, date] = {}
        for play in truth.ever:
            first.setdefault(getattr(play, key), play.on)
        now, before = (
            sum(days.first <= on <= days.last for on in first.values()) for days in (truth.span, truth.span.before)
        )
        assert f"{label} {now:,}" + (f" {against(now, before)}" if before else "") in page.text


def test_each_place_says_how_long_and_where_it_stood_before(told: tuple[Page, Truth]) -> None:
    page, truth = told

    for name, keys in LISTS.items():
        now, before = (tops(plays, partial(keys, truth), None) for plays in (truth.now, truth.before))
        assert len(page.items[name]) == min(10, len(now))
        was = {item: place for place, (item, _, _) in enumerate(before, 1)}
        for place, (words, (item, plays, ms)) in enumerate(zip(page.items[name], now, strict=False), 1):
            moved = f"▲ was {was[item]}" if was.get(item, 0) > place else f"▼ was {was.get(item)}"
            move = "was not there" if item not in was else "= same place" if was[item] == place else moved
            assert words.startswith(f"{place} ")
            assert " ".join(words.split()).endswith(f"{plays:,} plays {lasting(ms)} · {move}"), (name, place)


def test_names_are_those_of_what_was_played(told: tuple[Page, Truth]) -> None:
    page, truth = told
    artists = {play.artist: play.artist_name for play in truth.ever}
    songs = defaultdict(set)
    for play in truth.ever:
        songs[play.recording].add(f"{play.track_name} {artists[play.artist]}")

    for (item, _, _), words in zip(tops(truth.now, lambda play: [play.artist]), page.items["top_artists"], strict=True):
        assert words.split(" ", 1)[1].startswith(artists[item])
    for (item, _, _), words in zip(
        tops(truth.now, lambda play: [play.recording]), page.items["top_tracks"], strict=True
    ):
        assert words.split(" ", 1)[1].startswith(tuple(songs[item]))


def test_each_column_is_a_month_or_a_day_of_plays(told: tuple[Page, Truth]) -> None:
    page, truth = told
    pattern = "%d %b" if truth.span.days <= 92 else "%b %Y"
    columns: dict[str, list[Heard]] = defaultdict(list)
    for play in truth.now:
        columns[play.on.strftime(pattern)].append(play)

    titles = {f"{name}: {minutes(plays):,} minutes, {len(plays):,} plays" for name, plays in columns.items()}

    assert titles == {mark for mark in page.marks if " minutes, " in mark}
    longest = max(columns.values(), key=lambda plays: sum(play.ms for play in plays))
    assert f"Most in {longest[0].on.strftime(pattern)}: {minutes(longest):,} minutes." in page.text


def test_each_cell_of_both_clocks_is_its_plays(told: tuple[Page, Truth]) -> None:
    page, truth = told
    cells = Counter((play.at.isoweekday(), play.at.hour) for play in truth.now)
    beams = Counter(play.at.hour for play in truth.now)

    for hour in range(24):
        assert f"{hour}:00: {beams[hour]:,} plays" in page.marks
        for place, name in enumerate(WEEKDAYS, 1):
            assert f"{name} {hour}:00: {cells[place, hour]:,} plays" in page.marks
    best = min(range(24), key=lambda hour: (-beams[hour], hour))
    assert f"Most between {best}:00 and {(best + 1) % 24}:00." in page.text


def test_each_sound_is_weighted_by_the_time_of_listening(told: tuple[Page, Truth]) -> None:
    page, truth = told
    tracks = [(play.ms, truth.features[play.track]) for play in truth.now if play.track]
    known = [(ms, track) for ms, track in tracks if track["energy"]]
    total = sum(ms for ms, _ in known)

    for name in ("energy", "valence", "danceability", "acousticness", "instrumentalness", "speechiness"):
        mean = sum(ms * float(track[name]) for ms, track in known) / total
        assert f"{name} {mean:.2f}" in page.text
    assert f"{total / sum(play.ms for play in truth.now):.0%} of it has audio features" in page.text


def test_the_biggest_day_and_the_longest_streak_are_told_in_full(told: tuple[Page, Truth]) -> None:
    page, truth = told
    days: dict[date, list[Heard]] = defaultdict(list)
    for play in truth.now:
        days[play.on].append(play)
    biggest = min(days.values(), key=lambda plays: (-sum(play.ms for play in plays), plays[0].on))
    ((artist, _, _), *_) = tops(biggest, lambda play: [play.artist])
    names = {play.artist: play.artist_name for play in biggest}
    runs = [[min(days)]]
    for day, following in pairwise(sorted(days)):
        runs = [*runs[:-1], [*runs[-1], following]] if following - day == timedelta(days=1) else [*runs, [following]]
    streak = max(runs, key=len)

    assert (
        f"of music: {len(biggest):,} plays of {len({play.recording for play in biggest}):,} songs by"
        f" {len({play.artist for play in biggest}):,} artists, most of all {names[artist]}." in page.text
    )
    assert f"in a row with music, from {streak[0]} to {streak[-1]}." in page.text


def test_the_longest_session_is_the_one_with_the_most_music(told: tuple[Page, Truth]) -> None:
    page, truth = told
    sessions: list[list[Heard]] = []
    for play in sorted(truth.ever, key=lambda play: play.at):
        started = play.at - timedelta(milliseconds=play.ms)
        if not sessions or started - sessions[-1][-1].at > GAP:
            sessions.append([])
        sessions[-1].append(play)
    found = [
        (sum(play.ms for play in plays), len(plays), (plays[0].at - timedelta(milliseconds=plays[0].ms)).date())
        for plays in sessions
    ]
    inside = [session for session in found if truth.span.first <= session[2] <= truth.span.last]
    ms, plays, on = max(inside, key=lambda session: session[0])

    assert f"{lasting(ms)} without a long break, {plays:,} plays, on {on}." in page.text


def test_each_discovery_and_each_obsession_is_counted(told: tuple[Page, Truth]) -> None:
    page, truth = told
    first: dict[str, date] = {}
    for play in truth.ever:
        first.setdefault(play.artist, play.on)
    new = [play for play in truth.now if first[play.artist] >= truth.span.first and play.artist != NOBODY]
    artists = Counter(play.artist for play in truth.now)
    names = {play.artist: play.artist_name for play in truth.now}
    found = tops(new, lambda play: [play.artist], 5)
    songs = tops((play for play in truth.now if play.recording != NOBODY), lambda play: [play.recording], None)
    of = {play.recording: play for play in truth.now}
    loved = [(of[key], plays) for key, plays, _ in songs if plays >= 10 and plays >= 0.6 * artists[of[key].artist]][:5]

    assert [" ".join(words.split()) for words in page.items.get("discoveries", [])] == [
        " ".join(f"♪ {names[key]} since {first[key]} {plays:,} plays".split()) for key, plays, _ in found
    ]
    shown = [words.split(" ", 1)[1] for words in page.items.get("obsessions", [])]
    assert len(shown) == len(loved)
    for words, (song, plays) in zip(shown, loved, strict=True):
        assert words.endswith(f"{plays:,} plays {plays / artists[song.artist]:.0%} of the artist")
        assert song.artist_name in words


def test_the_feeds_are_told(told: tuple[Page, Truth]) -> None:
    page, truth = told

    assert f"{len(truth.now):,} plays from the extended history." in page.text
