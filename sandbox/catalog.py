"""A music catalog of any size in the shape of the Kaggle SpotGenTrack files, streamed and deterministic.

Everything that makes the real files hard is in: names in many scripts with quotes, backslashes and line breaks,
artists called `112` and `NULL`, lists as Python literals, integers written as floats, dates of three precisions,
several artists per track, some of whom no artists table knows, empty genres, lyrics over many lines.

Data flow: (seed, tracks) -> `sandbox.discography` -> rows -> CSV files or tables of a database.

Alone: `python -c "from sandbox import catalog; print(next(catalog.tracks(7, 1000)))"`
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import features, words
from sandbox.discography import Artist, Career, Recording, Release
from sandbox.ids import spotify_id

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Cell = str | int | float | None
Row = tuple[Cell, ...]

TRACK_COLUMNS = (
    "", "acousticness", "album_id", "analysis_url", "artists_id", "available_markets", "country", "danceability",
    "disc_number", "duration_ms", "energy", "href", "id", "instrumentalness", "key", "liveness", "loudness", "lyrics",
    "mode", "name", "playlist", "popularity", "preview_url", "speechiness", "tempo", "time_signature", "track_href",
    "track_name_prev", "track_number", "uri", "valence", "type",
)  # fmt: skip
ALBUM_COLUMNS = (
    "", "album_type", "artist_id", "available_markets", "external_urls", "href", "id", "images", "name", "release_date",
    "release_date_precision", "total_tracks", "track_id", "track_name_prev", "uri", "type",
)  # fmt: skip
ARTIST_COLUMNS = (
    "", "artist_popularity", "followers", "genres", "id", "name", "track_id", "track_name_prev", "type",
)  # fmt: skip

_AS_FLOATS = {
    "disc_number", "duration_ms", "key", "mode", "popularity", "time_signature", "track_number", "artist_popularity",
    "followers",
}  # fmt: skip
_API = "https://api.spotify.com/v1"
_COUNTRIES = ("BE", "DE", "US", "BR", "JP", "FR", "AR", "GB")
_MARKETS = "['AD', 'AR', 'AT', 'AU', 'BE', 'BR', 'CA', 'CH', 'DE', 'ES', 'FR', 'GB', 'JP', 'MX', 'PL', 'US']"


def artists(seed: int, tracks: int) -> Iterator[Row]:
    """Give the artists of a catalog with this many tracks, in the order of ARTIST_COLUMNS."""
    for number, (career, first) in enumerate(_careers(seed, tracks)):
        yield _artist_row(number, career.artist, spotify_id(seed, "track", number, 0, 0), first)


def albums(seed: int, tracks: int) -> Iterator[Row]:
    """Give the albums, in the order of ALBUM_COLUMNS."""
    number = 0
    for artist_number, (career, start) in enumerate(_careers(seed, tracks)):
        first = start
        for index, release in enumerate(career.releases()):
            if first >= tracks:
                return
            track_id = spotify_id(seed, "track", artist_number, index, 0)
            yield _album_row(number, release, career.artist.artist_id, track_id, first)
            number += 1
            first += len(release.recordings)


def tracks(seed: int, tracks: int) -> Iterator[Row]:
    """Give exactly so many tracks, in the order of TRACK_COLUMNS."""
    return islice(_all_tracks(seed, tracks), tracks)


def write_csv(folder: Path, seed: int, count: int) -> list[Path]:
    """Write the three Kaggle-shaped files into the folder and return their paths.

    Args:
        folder: Made when it is missing.
        seed: Decides every byte of the files.
        count: Number of tracks; there are about a fifth as many albums and a fifteenth as many artists.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(folder / "spotify_tracks.csv", TRACK_COLUMNS, tracks(seed, count)),
        _write(folder / "spotify_albums.csv", ALBUM_COLUMNS, albums(seed, count)),
        _write(folder / "spotify_artists.csv", ARTIST_COLUMNS, artists(seed, count)),
    ]


def fill(engine: "Engine", seed: int, count: int) -> None:
    """Insert a generated catalog into the three catalog tables that the database already has.

    Columns that a table lacks are left out (`lyrics`), columns that the generator lacks are left to the database
    (`updated_at`). One transaction.
    """
    with engine.begin() as connection:
        _insert(connection, "spotify_artists", _records(ARTIST_COLUMNS, artists(seed, count), {"id": "artist_id"}))
        _insert(connection, "spotify_albums", _records(ALBUM_COLUMNS, albums(seed, count), {"id": "album_id"}))
        renamed = {"id": "track_id", "key": "track_key"}
        _insert(connection, "spotify_tracks", _records(TRACK_COLUMNS, tracks(seed, count), renamed))


def _careers(seed: int, count: int) -> Iterator[tuple[Career, int]]:
    profiles = features.profiles(seed)
    first = number = 0
    while first < count:
        career = Career(seed, number, profiles)
        yield career, first
        first += career.tracks
        number += 1


def _all_tracks(seed: int, count: int) -> Iterator[Row]:
    for artist_number, (career, start) in enumerate(_careers(seed, count)):
        first, popularity = start, career.artist.popularity
        for index, release in enumerate(career.releases()):
            for position, recording in enumerate(release.recordings):
                track_id = spotify_id(seed, "track", artist_number, index, position)
                yield _track_row(first, track_id, position, recording=recording, release=release, popularity=popularity)
                first += 1


def _track_row(
    number: int, track_id: str, position: int, *, recording: Recording, release: Release, popularity: int
) -> Row:
    dance, energy, key, loud, mode, speech, acoustic, instrumental, live, valence, tempo, beats = recording.profile
    href = f"{_API}/tracks/{track_id}"
    disc, track_number = (1, position + 1) if position < 18 else (2, position - 17)
    return (
        number, acoustic, release.album_id, f"{_API}/audio-analysis/{track_id}", literal(recording.artist_ids),
        _MARKETS, _COUNTRIES[number % 8], dance, disc, recording.duration_ms, energy, href, track_id, instrumental, key,
        live, loud, _lyrics(number), mode, recording.name, None, int(popularity * recording.hit),
        None, speech, tempo, beats, href, f"track_{number}", track_number, f"spotify:track:{track_id}", valence,
        "track",
    )  # fmt: skip


def _album_row(number: int, release: Release, artist_id: str, track_id: str, first: int) -> Row:
    album_id = release.album_id
    return (
        number, release.kind, artist_id, _MARKETS, f"{{'spotify': 'https://open.spotify.com/album/{album_id}'}}",
        f"{_API}/albums/{album_id}", album_id,
        f"[{{'height': 640, 'url': 'https://i.scdn.co/image/{album_id}', 'width': 640}}]",
        release.name, release.released, release.precision, len(release.recordings), track_id, f"track_{first}",
        f"spotify:album:{album_id}", "album",
    )  # fmt: skip


def _artist_row(number: int, artist: Artist, track_id: str, first: int) -> Row:
    return (
        number, artist.popularity, artist.followers, literal(artist.genres), artist.artist_id, artist.name, track_id,
        f"track_{first}", "artist",
    )  # fmt: skip


def literal(values: Iterable[str]) -> str:
    """Return texts without quotes in them as the Python list that the files hold."""
    joined = "', '".join(values)
    return f"['{joined}']" if joined else "[]"


def _lyrics(number: int) -> str | None:
    if number % 9:
        return None
    line = words.SCRIPTS["latin"][number % 40]
    return f'{line}, "oh {line}"\nla la, \\{line}\n\n(la la)'


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> Path:
    floats = [place for place, name in enumerate(columns) if name in _AS_FLOATS]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            cells = list(row)
            for place in floats:
                cells[place] = f"{cells[place]}.0"
            writer.writerow(cells)
    return path


def _records(columns: tuple[str, ...], rows: Iterable[Row], renamed: dict[str, str]) -> Iterator[dict[str, Cell]]:
    names = [renamed.get(column, column) for column in columns]
    for row in rows:
        record = dict(zip(names, row, strict=True))
        record["number"] = record["number0"] = record.pop("")
        yield record


def _insert(connection: "Connection", table: str, records: Iterator[dict[str, Cell]]) -> None:
    from sqlalchemy import MetaData, Table, insert

    target = Table(table, MetaData(), autoload_with=connection)
    names = [column.name for column in target.columns]
    while batch := list(islice(records, 2000)):
        connection.execute(insert(target), [{name: row[name] for name in names if name in row} for row in batch])


CreateTables = Callable[["Engine"], None]
"""Makes the catalog tables in an empty database."""
