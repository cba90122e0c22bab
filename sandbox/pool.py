"""What the listener may play: tracks out of a catalog database, and a few that no catalog has.

Works on the generated catalog as well as on an imported real one, on any SQLAlchemy URL. Tracks are taken in the order
of their ids, which is random order by nature of the ids and an index scan in every database.

Data flow: catalog database -> artists, albums, tracks as Spotify would know them -> `sandbox.store`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox import catalog, features, ids, words
from sandbox.store import Album, Artist, Track
from sources.problem import UsageProblem

if TYPE_CHECKING:
    from sqlalchemy import Connection

SIZE = 12_000
"""Tracks that a world takes from a catalog at most."""
NEWER = 0.03
"""Share of tracks that the catalog lacks, since catalogs are older than what people play."""

_ID = re.compile(r"[0-9A-Za-z]{22}")
_TRACK_FIELDS = (
    "track_id", "name", "album_id", "artists_id", "duration_ms", "disc_number", "track_number", "popularity",
)  # fmt: skip
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """Everything that can be played."""

    artists: list[Artist]
    albums: list[Album]
    tracks: list[Track]


def draw(url: str, seed: int) -> Pool:
    """Take the pool of a world from a catalog database.

    Raises:
        UsageProblem: The catalog holds no track or cannot be read.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            tracks = _tracks(connection)
            albums = _by_id(connection, "spotify_albums", "album_id", (str(row["album_id"]) for row in tracks))
            found = {artist for row in tracks for artist in _artist_ids(row)}
            artists = _by_id(connection, "spotify_artists", "artist_id", found)
    except SQLAlchemyError as error:
        raise UsageProblem(
            f"The sandbox listener cannot read the catalog database: {getattr(error, 'orig', None) or type(error)}. "
            "Mend SOURCES__CATALOG__CREDENTIALS, or fill it with `python pipelines/run.py import-catalog DIR`."
        ) from error
    finally:
        engine.dispose()
    if not tracks:
        raise UsageProblem(
            "The sandbox listener needs music, but the catalog database has no row in spotify_tracks. Fill it with "
            "`python pipelines/run.py import-catalog DIR`, or name another one in SOURCES__CATALOG__CREDENTIALS."
        )
    newer = _newer(seed + 1, max(20, int(len(tracks) * NEWER)))
    return _pool([*tracks, *newer[0]], {**albums, **newer[1]}, {**artists, **newer[2]})


def _tracks(connection: "Connection") -> list[Record]:
    from sqlalchemy import text

    names = ", ".join([*_TRACK_FIELDS, *("track_key" if name == "key" else name for name in features.NAMES)])
    query = text(f"select {names} from spotify_tracks order by track_id limit {SIZE}")
    return [dict(row) for row in connection.execute(query).mappings() if row["name"] and row["duration_ms"]]


def _by_id(connection: "Connection", table: str, key: str, wanted: Iterable[str]) -> dict[str, Record]:
    from sqlalchemy import bindparam, text

    query = text(f"select * from {table} where {key} in :ids").bindparams(bindparam("ids", expanding=True))
    found: dict[str, Record] = {}
    remaining = iter(sorted(set(wanted)))
    while batch := list(islice(remaining, 500)):
        found |= {row[key]: dict(row) for row in connection.execute(query, {"ids": batch}).mappings()}
    return found


def _newer(seed: int, count: int) -> tuple[list[Record], dict[str, Record], dict[str, Record]]:
    tracks = [_record(catalog.TRACK_COLUMNS, row, "track_") for row in catalog.tracks(seed, count)]
    albums = [_record(catalog.ALBUM_COLUMNS, row, "album_") for row in catalog.albums(seed, count)]
    artists = [_record(catalog.ARTIST_COLUMNS, row, "artist_") for row in catalog.artists(seed, count)]
    return tracks, {row["album_id"]: row for row in albums}, {row["artist_id"]: row for row in artists}


def _record(columns: Sequence[str], row: Sequence[Any], prefix: str) -> Record:
    return {f"{prefix}{name}" if name in {"id", "key"} else name: cell for name, cell in zip(columns, row, strict=True)}


def _pool(tracks: Sequence[Record], albums: Mapping[str, Record], artists: Mapping[str, Record]) -> Pool:
    known = {artist_id: _artist(artist_id, row) for artist_id, row in artists.items()}
    for row in tracks:
        for artist_id in _artist_ids(row):
            known.setdefault(artist_id, _artist(artist_id, {}))
    made_tracks = [_track(row) for row in tracks]
    sizes: dict[str, int] = {}
    first: dict[str, Track] = {}
    for track in made_tracks:
        sizes[track.album_id] = sizes.get(track.album_id, 0) + 1
        first.setdefault(track.album_id, track)
    made_albums = [_album(track, albums.get(album_id, {}), sizes[album_id]) for album_id, track in first.items()]
    for album in made_albums:
        for artist_id in json.loads(album.artist_ids):
            known.setdefault(artist_id, _artist(artist_id, {}))
    return Pool(list(known.values()), made_albums, made_tracks)


def _artist(artist_id: str, row: Record) -> Artist:
    rng = Random(artist_id)
    genres = re.findall(r"'([^']*)'|\"([^\"]*)\"", str(row.get("genres") or ""))
    return Artist(
        artist_id,
        str(row.get("name") or words.artist_name(rng, "latin")),
        json.dumps([single or double for single, double in genres]),
        int(row.get("artist_popularity") or 0),
        int(row.get("followers") or 0),
    )


def _album(track: Track, row: Record, size: int) -> Album:
    artist_id = str(row.get("artist_id") or track.artists[0])
    return Album(
        track.album_id,
        str(row.get("name") or track.name),
        str(row.get("album_type") or "single"),
        str(row.get("release_date") or "0000"),
        str(row.get("release_date_precision") or "year"),
        max(size, int(row.get("total_tracks") or 1)),
        json.dumps([artist_id]),
        track.popularity,
    )


def _track(row: Record) -> Track:
    track_id, artist_ids, length = str(row["track_id"]), _artist_ids(row), int(row["duration_ms"])
    values = {name: row["track_key" if name == "key" else name] for name in features.NAMES}
    whole = {"key", "mode", "time_signature"}
    told = {name: int(value) if name in whole else float(value) for name, value in values.items() if value is not None}
    return Track(
        track_id,
        str(row["name"]),
        str(row["album_id"] or ids.spotify_id("album of", track_id)),
        json.dumps(artist_ids),
        length,
        int(row["disc_number"] or 1),
        int(row["track_number"] or 1),
        int(row["popularity"] or 0),
        int(ids.share("explicit", track_id) < 0.12),
        ids.isrc(artist_ids[0], str(row["name"]), length),
        json.dumps(told) if len(told) == len(values) else "{}",
    )


def _artist_ids(row: Record) -> list[str]:
    found = _ID.findall(str(row["artists_id"] or ""))
    return found or [ids.spotify_id("artist of", row["track_id"])]
