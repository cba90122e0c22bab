"""Real plays against what silver makes of the feeds: per combination of feeds, precision and recall.

Each life has songs of its own, so that many lives are judged in one build.
"""

from collections import Counter, defaultdict
from itertools import combinations

import pytest

from tests.dbt.silver.feeds import FEEDS, Told, catalog, tell
from tests.dbt.silver.lake import Lake
from tests.dbt.silver.life import Life, live

COMBINATIONS = [frozenset(c) for size in range(1, len(FEEDS) + 1) for c in combinations(FEEDS, size)]
SEEDS = range(3)


def fill(lake: Lake, lives: list[tuple[Life, frozenset[str], int]], start_share: float = 0.0, load: int = 1) -> dict[str, Told]:
    tolds = {life.name: tell(life, feeds, seed, start_share) for life, feeds, seed in lives}
    everything = Told()
    for life, _, _ in lives:
        everything.merge(tolds[life.name])
        for table, rows in catalog(life).items():
            everything.rows.setdefault(table, []).extend(rows)
    for table, rows in everything.rows.items():
        lake.add(table, rows, load)
    lake.add("catalog__extracts", [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_artists")], load)
    return tolds


def judge(lake: Lake, life: Life, told: Told) -> tuple[int, int, int, list[str]]:
    """(right rows, all rows, true plays that a feed told, what is wrong)."""
    plays = {play.number: play for play in life.plays}
    observations = lake.query(
        """select source, coalesce(file_id, track_id), coalesce(row_number, epoch_ms(ended_at)), play_id, reason
        from silver.play_observations where coalesce(file_id, track_id) like ? || '%'""",
        life.name,
    )
    members: dict[str, set[int]] = defaultdict(set)
    seen: set[int] = set()
    # only the extended export says that a session was private
    secret = {t for (source, *_), t in told.truth.items() if source == "extended" and plays[t].is_private}
    for source, name, number, play_id, _ in observations:
        truth = told.truth[source, name, number]
        if truth not in secret:
            seen.add(truth)
        if play_id:
            members[play_id].add(truth)
    claims = Counter(truth for truths in members.values() if len(truths) == 1 for truth in truths)
    right = sum(1 for truths in members.values() if len(truths) == 1 and all(claims[t] == 1 for t in truths))
    wrong = [f"{key[:6]}: {[(plays[t].track.song, t) for t in truths]}" for key, truths in members.items() if len(truths) > 1]
    wrong += [f"twice: {plays[t].track.song} {t}" for t, n in claims.items() if n > 1]
    return right, len(members), len(seen), wrong


def name_of(feeds: frozenset[str], seed: int) -> str:
    return "w" + "".join("x" if feed in feeds else "o" for feed in FEEDS) + f"s{seed}"


@pytest.mark.parametrize("start_share", [0.0, 0.1])
def test_every_combination_of_feeds_tells_the_true_plays(lake: Lake, start_share: float) -> None:
    lives = [(live(name_of(f, s), 100 * s + n), f, s) for n, f in enumerate(COMBINATIONS) for s in SEEDS]
    tolds = fill(lake, lives, start_share)
    lake.build()
    report = []
    for life, feeds, seed in lives:
        right, rows, true, wrong = judge(lake, life, tolds[life.name])
        report.append((right / rows, right / true, sorted(feeds), seed, rows, true, wrong[:3]))
    for line in report:
        if line[0] < 1 or line[1] < 1:
            print(f"{line[0]:.4f} {line[1]:.4f}", *line[2:])
    print(sum(line[0] < 1 for line in report), sum(line[4] != line[5] for line in report), len(report))
    assert min(line[0] for line in report) > 0.5
