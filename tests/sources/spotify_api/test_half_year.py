"""A listener's half year under test control, with everything going wrong at random.

What the API offered is in the lake, once; nothing else is; where no page overlaps the one before, and only there, plays
were missed. The default suite lives a few days of it, the torture half a year with several seeds.

HTTP, client, journal, memory, budget and kills are real throughout. The days have a lake made by dlt; over half a year
dlt's own work would be nine tenths of the time, so there load packages are plain files that carry rows and memory in
one step, as dlt's do.
"""

import json
import logging
import os
import random
import signal
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sources.spotify_api import flow
from sources.spotify_api.journal import Batch
from sources.spotify_api.memory import Memory

logger = logging.getLogger("lakehouse.tests.half_year")
ECHO = timedelta(seconds=30)
BUDGET = 300
PASSING = [
    ("status", {"status": 500}),
    ("status", {"status": 503, "retry_after": 3600}),
    ("html", {"status": 502}),
    ("html", {"status": 200}),
    ("cut", {"bytes": 500}),
    ("cut", {"bytes": -1}),
    ("broken_json", {}),
    ("no_content", {}),
    ("unauthorized", {}),
    ("rate_limit", {"retry_after": 20}),
]
BANS = [
    ("rate_limit", {"retry_after": 9000}),
    ("quota", {"retry_after": 4000}),
    ("quota", {"retry_after": None}),
]


class Shelf:
    """A lake of plain files: a package is there whole, with the memory that it carries, or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def packages(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    def memory(self) -> Memory:
        newest = max(self.folder.glob("*.json"), default=None)
        return Memory.from_json(json.loads(newest.read_text())["memory"]) if newest else Memory()

    def write(self, batch: Batch) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self.folder.glob("*.json")))
        aside = self.folder / "torn"
        aside.write_text(json.dumps({"rows": dict(batch.rows), "memory": dict(batch.memory)}))
        aside.rename(self.folder / f"{number:08}.json")

    def rows(self, table: str) -> list[dict]:
        return [timed(row) for package in self.packages() for row in package["rows"].get(table, [])]


def timed(row: dict) -> dict:
    return {k: datetime.fromisoformat(v) if k.endswith("_at") and v else v for k, v in row.items()}


@pytest.fixture
def shelf(place, monkeypatch) -> Shelf:
    """Replace dlt's lake of a place by plain files."""
    made = Shelf(place.lake)
    monkeypatch.setattr(flow, "finish", lambda _: None)
    monkeypatch.setattr(flow, "remembered", lambda _: made.memory())
    monkeypatch.setattr(flow, "_write", lambda _, batch: made.write(batch))
    monkeypatch.setattr(place, "pipeline", lambda: None)
    monkeypatch.setattr(place, "rows", made.rows)
    return made


@dataclass
class Life:
    """One simulated stretch of time.

    Attributes:
        is_honest: The API hides nothing (no late, vanished or swallowed plays): its pages prove what is missing.
    """

    place: object
    chance: random.Random
    is_honest: bool
    statuses: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    closed_until: datetime | None = None

    def live(self, days: int) -> None:
        self.bend_history()
        until = self.place.clock() + timedelta(days=days)
        while self.place.clock() < until:
            self.spoil()
            self.poll()
            self.place.advance(seconds=self.pause().total_seconds())
        self.place.calm()
        if self.place.poll(daily_budget=BUDGET).status == "login needed":
            self.log_in()
        if self.closed_until:
            self.place.advance(seconds=max((self.closed_until - self.place.clock()).total_seconds(), 0))
        self.place.advance(days=1)  # yesterday's gathered polls are due
        assert self.place.poll(daily_budget=BUDGET).status in ("new", "quiet")

    def pause(self) -> timedelta:
        if self.chance.random() < 0.004:
            return timedelta(hours=self.chance.uniform(12, 48))
        return timedelta(minutes=self.chance.uniform(5, 50))

    def bend_history(self) -> None:
        self.place.fault("duplicate", share=0.02)
        self.place.fault("duplicate", share=0.02, offset_ms=900)
        self.place.fault("out_of_order", share=0.05)
        if not self.is_honest:
            self.place.fault("late", share=0.05, seconds=7200)
            self.place.fault("vanish", share=0.01)
            self.place.fault("vanish", share=0.01, after_seconds=3600)

    def spoil(self) -> None:
        if self.chance.random() < 0.15:
            kind, values = self.chance.choice(BANS if self.chance.random() < 0.1 else PASSING)
            path = self.chance.choice(["/v1/me/player", "/v1/", "/api/token"])
            self.place.fault(kind, path=path, times=self.chance.choice([1, 1, 2, 4]), **values)
            self.faults[kind] += 1
        if self.chance.random() < 0.004:
            backfill = self.is_honest or self.chance.random() < 0.7
            self.place.fault("frozen", seconds=self.chance.uniform(3600, 40_000), backfill=backfill)
            self.faults["frozen"] += 1
        if self.chance.random() < 0.02:
            self.place.server.admin("POST /admin/tokens", {"expire_access": True, "rotate": self.chance.random() < 0.5})
            self.faults["token expired"] += 1

    def poll(self) -> None:
        fate = self.chance.random()
        if fate < 0.004:
            self.killed_poll(self.chance.randrange(1, 120))
        elif fate < 0.006:
            self.faults["machine emptied"] += 1
            tokens = self.place.connection.store.path.read_bytes()
            self.place.empty_machine()
            self.place.connection.store.path.parent.mkdir(parents=True)
            self.place.connection.store.path.write_bytes(tokens)
        now = self.place.clock()
        result = self.place.poll(daily_budget=BUDGET, fetch_limit=10)
        self.statuses[result.status] += 1
        if self.closed_until and now < self.closed_until:
            assert (result.status, result.requests) == ("closed", {})
        self.closed_until = result.not_before if result.not_before else self.closed_until
        if result.status == "login needed":  # a cut answer took a rotated token with it: only the listener can help
            self.log_in()

    def log_in(self) -> None:
        self.place.calm_transport()
        self.place.log_in()

    def killed_poll(self, at: int) -> None:
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
            self.faults["killed"] += os.WIFSIGNALED(status)
            return
        count = 0

        def hook(event: str, _: tuple) -> None:
            nonlocal count
            if event in ("open", "os.rename", "os.mkdir", "os.truncate", "os.remove"):
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            self.place.poll(daily_budget=BUDGET)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)


@dataclass
class Account:
    """What was lived, what was offered, what is kept."""

    lived: list[dict]
    kept: list[tuple[datetime, str]]

    def __post_init__(self) -> None:
        self.by_uri: dict[str, list[dict]] = {}
        for play in self.lived:
            play["at"] = datetime.fromisoformat(play["played_at"])
            self.by_uri.setdefault(play["uri"], []).append(play)

    def play_of(self, key: tuple[datetime, str]) -> int | None:
        """Number of the play that a kept row tells of: the same track, at most an echo later."""
        near = [play for play in self.by_uri.get(key[1], []) if timedelta(0) <= key[0] - play["at"] <= ECHO]
        return min(near, key=lambda play: key[0] - play["at"])["number"] if near else None

    def missed(self) -> list[dict]:
        kept = {self.play_of(key) for key in self.kept}
        return [play for play in self.lived if play["is_offerable"] and play["number"] not in kept]


def account(place) -> Account:
    lived = place.server.admin("GET /admin/plays?from=2026-02-15T00:00:00")
    return Account(lived, place.keys())


def gaps(place) -> list[tuple[datetime, datetime]]:
    """Stretches that no two pages in a row prove, or that a late play at the bottom of a page leaves in doubt."""
    polls = sorted((row for row in place.rows("polls") if row["status"] == 200), key=lambda row: row["polled_at"])
    pages = [(row, set(json.loads(row["item_keys"]))) for row in polls]
    found, known = [], set()
    for (before, shown), (after, shows) in pairwise(pages):
        known |= shown
        if after["item_count"] < 50:
            continue
        if not shown & shows:
            found.append((before["newest_played_at"], after["oldest_played_at"]))
        elif min(shows) not in known:
            last = max((key for key in known if key < min(shows)), default=min(known)).partition("|")[0]
            found.append((datetime.fromisoformat(last), after["oldest_played_at"]))
    return found


def check_budget(place) -> Counter:
    days: Counter[str] = Counter()
    for entry in place.server.service.admin.requests:
        days[entry["listener_time"][:10]] += entry["path"].startswith("/v1/")
    assert max(days.values()) <= BUDGET
    return days


def check(place, life: Life) -> None:
    books = account(place)
    first = min(at for at, _ in books.kept)
    assert len(set(books.kept)) == len(books.kept), "a play was kept twice"
    assert all(books.play_of(key) for key in books.kept), "a play was invented"
    lost = [play for play in books.missed() if play["was_offered"]]
    assert lost == [], "a play was offered and not kept"
    missed = [play for play in books.missed() if play["at"] > first]
    holes = gaps(place)
    if life.is_honest:
        settled = place.clock() - timedelta(days=1)
        unexplained = [p for p in missed if p["at"] < settled and not any(a <= p["at"] <= b for a, b in holes)]
        assert unexplained == [], "a play is missing where two pages overlap"
        empty = [hole for hole in holes if not any(hole[0] <= play["at"] <= hole[1] for play in missed)]
        assert len(empty) <= len(holes) // 2 + 1, "most gaps have nothing missing"
    days = check_budget(place)
    logger.info(
        "honest=%s polls=%s faults=%s kept=%d missed=%d (never offered) gaps=%d requests a day: mean %.0f, most %d",
        life.is_honest,
        dict(life.statuses),
        dict(life.faults),
        len(books.kept),
        len(missed),
        len(holes),
        sum(days.values()) / len(days),
        max(days.values()),
    )


def run(place, seed: int, days: int, is_honest: bool) -> None:
    life = Life(place, random.Random(seed), is_honest)
    life.live(days)
    check(place, life)


@pytest.mark.parametrize(("seed", "is_honest"), [pytest.param(1, True, marks=pytest.mark.long), (2, False)])
def test_a_day_of_faults_loses_nothing_that_was_offered(place, seed, is_honest):
    run(place, seed, 1, is_honest)


@pytest.mark.parametrize(("seed", "is_honest"), [(3, True), pytest.param(4, False, marks=pytest.mark.long)])
def test_days_of_faults_lose_nothing_that_was_offered(place, shelf, seed, is_honest):
    run(place, seed, 4, is_honest)


@pytest.mark.torture
@pytest.mark.parametrize("is_honest", [True, False])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_half_a_year_of_faults_loses_nothing_that_was_offered(place, shelf, seed, is_honest):
    run(place, seed, 182, is_honest)


def test_the_reckoning_sees_a_lost_play_a_doubled_one_and_an_invented_one(place):
    """The checks above can fail."""
    place.poll()
    books = account(place)
    assert books.missed() != books.lived
    held = books.kept.pop()
    assert [play["number"] for play in books.missed() if play["was_offered"]] == [books.play_of(held)]
    assert books.play_of((datetime(2020, 1, 1, tzinfo=UTC), held[1])) is None
