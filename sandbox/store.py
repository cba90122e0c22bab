"""The truth of a sandbox world in one SQLite file: what can be played, what was played, what the API told of it.

SQLite of the standard library and nothing else, so that a world that exists opens at once. The write-ahead log keeps
the file sound when the process is killed.

Data flow: `sandbox.pool` and `sandbox.listener` write once; `sandbox.world` and the server read.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from threading import RLock
from typing import Any

from sandbox.play import Play

_TABLES = """
create table meta (name text primary key, value text not null);
create table artists (artist_id text primary key, name text not null, genres text not null,
    popularity integer not null, followers integer not null);
create table albums (album_id text primary key, name text not null, album_type text not null,
    release_date text not null, release_date_precision text not null, total_tracks integer not null,
    artist_ids text not null, popularity integer not null);
create table tracks (track_id text primary key, name text not null, album_id text not null, artist_ids text not null,
    duration_ms integer not null, disc_number integer not null, track_number integer not null,
    popularity integer not null, is_explicit integer not null, isrc text not null, features text not null);
create index tracks_by_album on tracks (album_id, disc_number, track_number);
create table plays (number integer primary key, started_ms integer not null, ended_ms integer not null,
    played_ms integer not null, arrived_ms integer not null, ms_played integer not null, kind text not null,
    item_id text not null, item_name text not null, owner_name text not null, context_uri text not null,
    platform text not null, reason_start text not null, reason_end text not null, shuffle integer not null,
    skipped integer not null, offline integer not null, incognito integer not null);
create index plays_by_end on plays (ended_ms);
create index plays_by_played on plays (played_ms);
create table offers (number integer primary key, first_offered_ms integer not null, times integer not null);
"""


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist as Spotify knows them; `genres` is a JSON list."""

    artist_id: str
    name: str
    genres: str
    popularity: int
    followers: int


@dataclass(frozen=True, slots=True)
class Album:
    """An album; `artist_ids` is a JSON list."""

    album_id: str
    name: str
    album_type: str
    release_date: str
    release_date_precision: str
    total_tracks: int
    artist_ids: str
    popularity: int


@dataclass(frozen=True, slots=True)
class Track:
    """A track; `artist_ids` is a JSON list, `features` a JSON object, empty where Spotify has none."""

    track_id: str
    name: str
    album_id: str
    artist_ids: str
    duration_ms: int
    disc_number: int
    track_number: int
    popularity: int
    is_explicit: int
    isrc: str
    features: str

    @property
    def artists(self) -> list[str]:
        """Ids of the artists, the first one first."""
        return list(json.loads(self.artist_ids))


class Store:
    """The file, opened; may be used by many threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        self._artists: dict[str, Artist | None] = {}  # a world's music never changes: remembered for the next poll
        self._albums: dict[str, Album | None] = {}
        self._tracks: dict[str, Track | None] = {}
        self._sqlite = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self._sqlite.execute("pragma journal_mode = wal")
        self._sqlite.execute("pragma synchronous = normal")

    def create(self) -> None:
        """Make the tables of an empty file."""
        self._sqlite.executescript(_TABLES)

    def fold(self) -> None:
        """Bring the write-ahead log into the file, which then is whole by itself.

        Raises:
            sqlite3.OperationalError: The disk is full; closing would keep silent about it.
        """
        with self._lock:
            self._sqlite.execute("pragma wal_checkpoint(passive)").fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._sqlite.close()

    def meta(self) -> dict[str, str]:
        """Return the single values: seed, now, state of the listener."""
        return dict(self._rows("select name, value from meta"))

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Set single values, all at once."""
        with self._lock:
            self._sqlite.execute("begin immediate")
            self._sqlite.executemany("insert or replace into meta values (?, ?)", values.items())
            self._sqlite.execute("commit")

    def add(self, things: Iterable[Artist | Album | Track | Play]) -> None:
        """Add rows of one kind in one transaction; a row that is there already stays as it is."""
        rows = list(things)
        if not rows:
            return
        table = f"{type(rows[0]).__name__.lower()}s"
        marks = ", ".join("?" * len(fields(rows[0])))
        with self._lock:
            self._sqlite.execute("begin immediate")
            self._sqlite.executemany(f"insert or ignore into {table} values ({marks})", map(astuple, rows))
            self._sqlite.execute("commit")

    def artist(self, artist_id: str) -> Artist | None:
        """Return an artist."""
        if artist_id not in self._artists:
            rows = self._rows("select * from artists where artist_id = ?", artist_id)
            self._artists[artist_id] = next((Artist(*row) for row in rows), None)
        return self._artists[artist_id]

    def album(self, album_id: str) -> Album | None:
        """Return an album."""
        if album_id not in self._albums:
            rows = self._rows("select * from albums where album_id = ?", album_id)
            self._albums[album_id] = next((Album(*row) for row in rows), None)
        return self._albums[album_id]

    def track(self, track_id: str) -> Track | None:
        """Return a track."""
        if track_id not in self._tracks:
            rows = self._rows("select * from tracks where track_id = ?", track_id)
            self._tracks[track_id] = next((Track(*row) for row in rows), None)
        return self._tracks[track_id]

    def tracks(self, album_id: str | None = None) -> list[Track]:
        """Return the tracks of an album in order, or all tracks in the order of their ids."""
        if album_id is None:
            return [Track(*row) for row in self._rows("select * from tracks order by track_id")]
        query = "select * from tracks where album_id = ? order by disc_number, track_number, track_id"
        return [Track(*row) for row in self._rows(query, album_id)]

    def artists(self) -> list[Artist]:
        """Return all artists in the order of their ids."""
        return [Artist(*row) for row in self._rows("select * from artists order by artist_id")]

    def plays(self, from_ms: int, to_ms: int) -> list[Play]:
        """Return the plays that ended in [from, to), oldest first."""
        query = "select * from plays where ended_ms >= ? and ended_ms < ? order by ended_ms, number"
        return [_play(row) for row in self._rows(query, from_ms, to_ms)]

    def offerable(self, before_ms: int, count: int) -> list[Play]:
        """Return the last plays up to a time that the API may tell of, newest first."""
        query = """
            select * from plays
            where played_ms <= ? and kind <> 'episode' and not incognito and ms_played >= 30000
            order by played_ms desc, number desc limit ?
        """
        return [_play(row) for row in self._rows(query, before_ms, count)]

    def count_plays(self, added: bool) -> int:
        """Return the number of plays: those added by hand, or those that the listener lived."""
        sign = ">=" if added else "<"
        return int(next(self._rows(f"select count(*) from plays where number {sign} 1000000000"))[0])

    def offer(self, numbers: Sequence[int], at_ms: int) -> None:
        """Remember that the API told of these plays."""
        statement = """
            insert into offers values (?, ?, 1) on conflict (number) do update set times = times + 1
        """
        with self._lock:
            self._sqlite.execute("begin immediate")
            self._sqlite.executemany(statement, [(number, at_ms) for number in numbers])
            self._sqlite.execute("commit")

    def offers(self) -> dict[int, tuple[int, int]]:
        """Return for each play that was told of: when first, and how often."""
        rows = self._rows("select number, first_offered_ms, times from offers")
        return {number: (first, times) for number, first, times in rows}

    def forget(self) -> None:
        """Delete the plays added by hand and all offers."""
        with self._lock:
            self._sqlite.execute("begin immediate")
            self._sqlite.execute("delete from plays where number >= 1000000000")
            self._sqlite.execute("delete from offers")
            self._sqlite.execute("commit")

    def _rows(self, query: str, *values: object) -> Iterator[Any]:
        with self._lock:
            return iter(self._sqlite.execute(query, values).fetchall())


def _play(row: Sequence[Any]) -> Play:
    return Play(*row[:14], *map(bool, row[14:]))
