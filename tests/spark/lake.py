"""A small lake in which every feed tells of the same lives, written as committed packages of parquet.

Data flow: lives, rules, polls, features -> `<lake>/<source>/<table>/<load>.<file>.parquet`
"""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.table import LOAD_ID
from tests.dbt.silver.feeds import FEEDS, payload
from tests.dbt.silver.lake import TABLES, Row, at
from tests.dbt.silver.life import Life, Track, live
from tests.dbt.silver.test_one_truth import fill

FIRST = 1_790_000_000
GENRES = ("art pop", "k-pop", "", "rock 'n' roll", "Ελληνικό", "演歌")
ODD = {
    "Gold": "ΟΔΟΣ",
    "Echo": "İstanbul",
    "Paper": "노래",
    "Ash": "क्षत्रिय",
    "Tide": "Ĳssel ﬁn",
    "Nova": "が (feat. X) - Remastered 2011",
}
"""What two engines may write in lower case, or without accents, in two ways."""


class Packages:
    """A lake to which rows are added, a package at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, view: str, rows: Iterable[Row], load: int = 1, *, committed: bool = True) -> None:
        """Append rows as a load package; columns that a row lacks are null."""
        source, _, table = view.partition("__")
        load_id = f"{FIRST + load}.5"
        schema = TABLES[view].arrow_schema.append(pa.field(LOAD_ID, pa.string()))
        full = [{name: row.get(name) for name in schema.names} | {LOAD_ID: load_id} for row in rows]
        path = self.folder / source / table / f"{load_id}.{len(list(self.folder.rglob('*')))}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(full, schema), path)
        if committed:
            entry = self.folder / source / "_dlt_loads" / f"{source}__{load_id}.jsonl"
            entry.parent.mkdir(exist_ok=True)
            entry.write_text("{}")


def write(folder: Path) -> None:
    """Three lives told by all five feeds, and a short one by each alone, with what the API and the listener add."""
    packages = Packages(folder)
    firsts = (date(2024, 10, 20), date(2025, 12, 20), date(2026, 3, 20))
    lives = [_oddly_named(live(f"l{n}", n, days=20, first=first)) for n, first in enumerate(firsts)]
    told = [(life, frozenset(FEEDS), n) for n, life in enumerate(lives)]
    told += [(live(feed[:4], 7, days=4), frozenset([feed]), 7) for feed in FEEDS]
    fill(packages, told, start_share=0.1)  # type: ignore[arg-type]
    _describe(packages, lives)
    _rule(packages, lives)
    _poll(packages, lives[-1])
    _not_yet(packages)


def _oddly_named(life: Life) -> Life:
    def odd(text: str) -> str:
        return " ".join(ODD.get(word, word) for word in text.split(" "))

    def renamed(track: Track) -> Track:
        return replace(track, title=odd(track.title), artist=odd(track.artist))

    names = {track.track_id: renamed(track) for track in life.tracks}
    return replace(
        life, tracks=tuple(names.values()), plays=tuple(replace(p, track=names[p.track.track_id]) for p in life.plays)
    )


def _describe(packages: Packages, lives: list[Life]) -> None:
    rng = random.Random(1)
    tracks = [track for life in lives for track in life.tracks]
    now = at("2026-06-02")
    packages.add("spotify_api__tracks", [
        {"id": track.track_id, "fetched_at": now, "status": 200, "payload": json.dumps(
            payload(track) | {"popularity": rng.randrange(100)}
        )}
        for track in tracks
    ], 2)  # fmt: skip
    packages.add("spotify_api__artists", [
        {"id": f"id of {name}", "fetched_at": now, "status": 200, "payload": json.dumps(
            {"name": name, "genres": rng.sample(GENRES, 3), "popularity": 7, "followers": {"total": 1234567890123}}
        )}
        for name in sorted({track.artist for track in tracks})
    ], 2)  # fmt: skip
    packages.add("spotify_api__albums", [
        {"id": f"id of {name}", "fetched_at": now, "status": 200, "payload": json.dumps({
            "name": name, "album_type": "album", "release_date": rng.choice(("1999", "2004-02", "2020-02-29", "0000")),
            "release_date_precision": "day", "total_tracks": 11, "artists": [{"id": "id of X", "name": "X"}],
        })}
        for name in sorted({track.album for track in tracks})
    ], 2)  # fmt: skip
    packages.add("spotify_api__audio_features", [
        {"id": track.track_id, "fetched_at": now, "status": 200, "payload": json.dumps(
            {"energy": rng.random(), "tempo": rng.uniform(60, 200), "loudness": -rng.random() * 1e-7, "key": 3, "mode": 1}
        )}
        for track in tracks[::3]
    ], 2)  # fmt: skip


def _rule(packages: Packages, lives: list[Life]) -> None:
    tracks = lives[0].tracks
    rules = [
        {"file": "exclude.csv", "kind": "artist", "id": f"id of {tracks[0].artist}"},
        {"file": "exclude.csv", "kind": "window", "from_at": "2026-03-25 20:00", "to_at": "2026-03-26T08:00:00+02:00"},
        {"file": "exclude.csv", "kind": "session", "from_at": "2025-12-24 18:00"},
        {"file": "rename.csv", "kind": "track", "id": tracks[3].track_id, "new_name": "Another"},
        {
            "file": "merge.csv",
            "kind": "artist",
            "from_id": f"id of {tracks[4].artist}",
            "into_id": f"id of {tracks[8].artist}",
        },
        {"file": "recordings.csv", "kind": "track", "track_id": tracks[5].track_id, "recording_id": "mine"},
    ]
    packages.add("curation__rules", [
        {"file": rule["file"], "line": n, "kind": rule["kind"], "fields": json.dumps(rule), "is_valid": True}
        for n, rule in enumerate(rules, start=2)
    ])  # fmt: skip


def _poll(packages: Packages, life: Life) -> None:
    """Full pages that share no item, so that days are minimums."""
    begin = at("2026-03-21")
    polls = []
    for number in range(6):
        newest = begin + timedelta(days=4 * number)
        keys = [f"{(newest - timedelta(minutes=5 * i)).isoformat()}|spotify:track:{i}" for i in range(50)]
        polls.append({
            "poll_id": f"p{number}", "polled_at": newest + timedelta(minutes=1), "status": 200, "item_count": 50,
            "oldest_played_at": newest - timedelta(minutes=245), "newest_played_at": newest, "digest": str(number),
            "item_keys": json.dumps(keys),
        })  # fmt: skip
    packages.add("spotify_api__polls", polls)


def _not_yet(packages: Packages) -> None:
    """A package that is still loading, and a torn file: neither is committed."""
    packages.add(
        "spotify_api__artists", [{"id": "ghost", "status": 200, "payload": '{"name": "Ghost"}'}], 3, committed=False
    )
    (packages.folder / "spotify_api" / "plays" / f"{FIRST + 4}.5.torn.parquet").write_bytes(b"PAR1torn")
