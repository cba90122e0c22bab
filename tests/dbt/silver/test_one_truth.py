"""Real plays against what silver makes of the feeds: per combination of feeds, precision and recall.

Each life has songs of its own, so that many lives are judged in one build.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

import pytest

from tests.dbt.silver.feeds import FEEDS, Told, catalog, tell
from tests.dbt.silver.lake import Lake
from tests.dbt.silver.life import Life, Play, live

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

COMBINATIONS = [frozenset(c) for size in range(1, len(FEEDS) + 1) for c in combinations(FEEDS, size)]
SEEDS = range(1)


def fill(
    lake: Lake, lives: list[tuple[Life, frozenset[str], int]], start_share: float = 0.0, load: int = 1
) -> dict[str, Told]:
    tolds = {life.name: tell(life, feeds, seed, start_share) for life, feeds, seed in lives}
    everything = Told()
    for life, _, _ in lives:
        everything.merge(tolds[life.name])
        for table, rows in catalog(life).items():
            everything.rows.setdefault(table, []).extend(rows)
    for table, rows in everything.rows.items():
        lake.add(table, rows, load)
    lake.add(
        "catalog__extracts",
        [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_artists")],
        load,
    )
    return tolds


@dataclass
class Verdict:
    """What silver made of a life.

    Attributes:
        rows: Rows of the unified plays.
        true: True plays that some feed told.
        found: Rows that are a true play by song and time, one to one.
        pure: Rows whose observations all tell one true play that no other row tells of.
        wrong: Examples of rows that are not pure.
    """

    rows: int
    true: int
    found: int
    pure: int
    wrong: list[str]

    @property
    def precision(self) -> float:
        return self.found / self.rows

    @property
    def recall(self) -> float:
        return self.found / self.true


@dataclass(frozen=True)
class Row:
    """One row of the unified plays."""

    play_id: str
    source: str
    started_ms: int
    ended_ms: int

    def is_near(self, play: Play) -> bool:
        """Whether it may tell of a play: scrobblers tell starts alone, and minutes blur by one."""
        if self.source in ("lastfm", "listenbrainz"):
            return abs(self.started_ms - play.started_ms) <= 75_000
        return abs(self.ended_ms - play.ended_ms) <= 75_000


def found(rows: list[Row], plays: list[Play]) -> int:
    """Pairs of rows and true plays of one song in the order of time."""
    left = sorted(plays, key=lambda play: play.ended_ms)
    pairs = 0
    for row in sorted(rows, key=lambda row: row.ended_ms):
        near = [play for play in left if row.is_near(play)]
        if near:
            left.remove(near[0])
            pairs += 1
    return pairs


Observation = tuple[str, str, int, Row | None]


def observations(lake: Lake) -> dict[str, list[Observation]]:
    """Observations by the name of the life: feed, file or track, number or time, and the row that it belongs to."""
    by_life: dict[str, list[Observation]] = defaultdict(list)
    for source, name, number, *row in lake.query(
        """select o.source, coalesce(o.file_id, o.track_id), coalesce(o.row_number, epoch_ms(o.ended_at)),
            p.play_id, p.source, epoch_ms(p.started_at), epoch_ms(p.ended_at)
        from silver.play_observations as o
        left join silver.int_plays_unified as p on o.play_id = p.play_id"""
    ):
        life = name.partition("-")[0] if source != "api" else name.partition("z")[0]
        by_life[life].append((source, name, number, Row(*row) if row[0] else None))
    return by_life


def judge(told_rows: list[Observation], life: Life, told: Told) -> Verdict:
    plays = {play.number: play for play in life.plays}
    # only the extended export says that a session was private
    secret = {t for (source, *_), t in told.truth.items() if source == "extended" and plays[t].is_private}
    members: dict[Row, set[int]] = defaultdict(set)
    seen: set[int] = set()
    for source, name, number, row in told_rows:
        truth = told.truth[source, name, number]
        if truth not in secret:
            seen.add(truth)
        if row:
            members[row].add(truth)
    claims = Counter(truth for truths in members.values() if len(truths) == 1 for truth in truths)
    pure = sum(1 for truths in members.values() if len(truths) == 1 and all(claims[t] == 1 for t in truths))
    wrong = [
        f"{row.play_id[:6]}: {[(plays[t].track.song, t) for t in truths]}"
        for row, truths in members.items()
        if len(truths) > 1
    ]
    wrong += [f"twice: {plays[t].track.song} {t}" for t, n in claims.items() if n > 1]
    by_song: dict[str, list[Row]] = defaultdict(list)
    for row, truths in members.items():
        by_song[plays[min(truths)].track.song].append(row)
    right = sum(found(rows, [plays[t] for t in seen if plays[t].track.song == song]) for song, rows in by_song.items())
    return Verdict(len(members), len(seen), right, pure, wrong)


def name_of(feeds: frozenset[str], seed: int) -> str:
    return "w" + "".join("x" if feed in feeds else "o" for feed in FEEDS) + f"s{seed}"


def lives_of(
    combinations_of_feeds: list[frozenset[str]], shortest_ms: int = 35_000
) -> list[tuple[Life, frozenset[str], int]]:
    """A life for each combination and seed, one after the other in time: they share one listener's history."""
    found = []
    for number, (feeds, seed) in enumerate((f, s) for f in combinations_of_feeds for s in SEEDS):
        begin = date(2019, 1, 1) + timedelta(days=25 * number)
        # two starts of one song in the same minute are one for Last.fm
        shortest = max(shortest_ms, 62_000 if "lastfm" in feeds else 0)
        found.append((live(name_of(feeds, seed), 31 * number + seed, first=begin, shortest_ms=shortest), feeds, seed))
    return found


def verdicts(lake: Lake, lives: list[tuple[Life, frozenset[str], int]], start_share: float = 0.0) -> dict[str, Verdict]:
    tolds = fill(lake, lives, start_share)
    lake.build()
    told_rows = observations(lake)
    return {life.name: judge(told_rows[life.name], life, tolds[life.name]) for life, _, _ in lives}


def table(found: dict[str, Verdict]) -> str:
    """One line per life that is not told perfectly, and the sums."""
    lines = [
        f"{name} {v.precision:.4f} {v.recall:.4f} {v.pure / v.rows:.4f} {v.rows} {v.true} {v.wrong[:4]}"
        for name, v in found.items() if v.precision < 1 or v.recall < 1
    ]  # fmt: skip
    rows, true, right, pure = (sum(getattr(v, n) for v in found.values()) for n in ("rows", "true", "found", "pure"))
    return "\n".join(
        [*lines, f"{len(lines)} of {len(found)} lives; {right / rows:.5f} {right / true:.5f} {pure / rows:.5f}"]
    )


def test_every_combination_of_feeds_tells_the_true_plays(lake: Lake) -> None:
    found = verdicts(lake, lives_of(COMBINATIONS))
    assert min(v.precision for v in found.values()) >= 0.995, table(found)
    assert min(v.recall for v in found.values()) >= 0.995, table(found)
    assert sum(v.found for v in found.values()) >= 0.9995 * max(sum(v.rows for v in found.values()), 1), table(found)
