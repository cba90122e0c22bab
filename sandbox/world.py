"""A small world: a catalog, a listener's life, and a clock that stands still until somebody moves it.

`ensure` makes the world once, two years of plays before a fixed `now`, and opens it ever after without the generator.
Everything is decided by the seed and the catalog: the same world on every machine, however its clock is moved.

Data flow: catalog database -> pool -> listener -> `world.sqlite` -> API, exports, tests.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.habits import EVERYDAY, HABITS
from sandbox.play import Play, millis, moment
from sandbox.store import Store

if TYPE_CHECKING:
    from sqlalchemy import Engine

FIRST_NOW = datetime(2026, 3, 15, 18, 30, tzinfo=UTC)
"""The listener's time in a new world."""
EPOCH = datetime(2024, 3, 4, tzinfo=UTC)
"""The listener's first day."""
EXPORT_UNTIL = FIRST_NOW - timedelta(days=10)
"""The privacy export holds what ended before, since Spotify takes days to make one."""

_log = logging.getLogger("lakehouse.sandbox")
_EPOCH_MS = millis(EPOCH)
_DAY_MS = 86_400_000


class World:
    """An opened world.

    Attributes:
        folder: Where it lives.
        store: Its truth.
        seed: What it was made from.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "world.sqlite")
        self.seed = int(self.store.meta()["seed"])

    @property
    def now(self) -> datetime:
        """The listener's time, UTC; it stands still."""
        return moment(self.now_ms)

    @property
    def now_ms(self) -> int:
        """The listener's time in milliseconds since 1970."""
        return int(self.store.meta()["now_ms"])

    def advance(self, by: timedelta) -> datetime:
        """Move the listener's time on and return it.

        Raises:
            ValueError: Time would run backwards.
        """
        if by < timedelta(0):
            raise ValueError("the listener's time does not run backwards")
        target = self.now_ms + round(by.total_seconds() * 1000)
        self._live_until(target)
        self.store.set_meta({"now_ms": str(target)})
        return self.now

    def plays(self, from_: datetime | None = None, to: datetime | None = None) -> list[Play]:
        """Return the truth: everything that ended in [from_, to), at most until now, oldest first."""
        last = self.now_ms + 1
        return self.store.plays(millis(from_) if from_ else 0, min(last, millis(to)) if to else last)

    def add(self, play: Play) -> Play:
        """Add a play by hand; its number is given here."""
        from dataclasses import replace

        numbered = replace(play, number=10**9 + self.store.count_plays(added=True))
        self.store.add([numbered])
        return numbered

    def reset(self) -> None:
        """Set the clock back to the first `now` and forget added plays and what the API told."""
        self.store.forget()
        self.store.set_meta({"now_ms": str(millis(FIRST_NOW))})

    def close(self) -> None:
        """Close the file of the world."""
        self.store.close()

    def _live_until(self, target_ms: int) -> None:
        wanted = (target_ms - _EPOCH_MS) // _DAY_MS + 2  # a session of tomorrow's night may start today
        meta = self.store.meta()
        lived = int(meta["days"])
        if lived >= wanted:
            return
        from sandbox.listener import Listener
        from sandbox.taste import Taste

        own = HABITS[meta.get("habits", EVERYDAY)]
        taste = Taste(self.seed, self.store.artists(), self.store.tracks(), own)
        listener = Listener(self.seed, _EPOCH_MS, taste, own, meta.get("state"))
        ahead = wanted + 30  # moving an hour at a time should not load the taste each time
        self.store.add([play for day in range(lived, ahead) for play in listener.live(day)])
        self.store.set_meta({"days": str(ahead), "state": listener.state.dump()})


def ensure(
    folder: Path,
    catalog_url: str,
    seed: int,
    tracks: int,
    create_tables: "Callable[[Engine], None] | None" = None,
    *,
    habits: str = EVERYDAY,
) -> World:
    """Make the world under the folder if it is not there yet, and open it.

    Args:
        folder: Home of the world; made when it is missing.
        catalog_url: SQLAlchemy URL of the catalog. A SQLite file that does not exist is filled with a generated
            catalog; every other database is taken as it is.
        seed: Decides catalog and life.
        tracks: Size of a generated catalog.
        create_tables: Makes the tables of a new catalog file; by default tables with the columns of the CSV files.
        habits: Whose life it is, one of `sandbox.habits.HABITS`.

    Raises:
        UsageProblem: The catalog has no tracks.
    """
    if not (folder / "world.sqlite").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(folder, catalog_url, seed, tracks, create_tables, habits=habits)
    return World(folder)


def _make(
    folder: Path,
    catalog_url: str,
    seed: int,
    tracks: int,
    create_tables: "Callable[[Engine], None] | None",
    *,
    habits: str,
) -> None:
    from sandbox import pool
    from sandbox.tables import fill_if_missing

    fill_if_missing(catalog_url, seed, tracks, create_tables)
    drawn = pool.draw(catalog_url, seed)
    making = folder / "making"
    _empty(making)
    store = Store(making / "world.sqlite")
    store.create()
    store.add(drawn.artists)
    store.add(drawn.albums)
    store.add(drawn.tracks)
    store.set_meta({"seed": str(seed), "now_ms": str(_EPOCH_MS), "days": "0", "habits": habits})
    store.close()
    world = World(making)
    world.advance(FIRST_NOW - EPOCH)
    world.store.fold()
    world.close()
    (making / "world.sqlite").rename(folder / "world.sqlite")
    _empty(making)
    making.rmdir()
    _log.info("the sandbox made a world of %s tracks in %s", len(drawn.tracks), folder)


def _empty(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
