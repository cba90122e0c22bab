"""A lifetime of plays of a catalog's own tracks, with a silence every night, as the files of a privacy export.

DuckDB writes them, since ten million rows take Python many minutes. A day's plays follow each other from seven in the
morning, for sixteen hours at most; every play counts. A few tracks are played often, most seldom.

Data flow: catalog.sqlite -> tracks -> DuckDB -> <folder>/Streaming_History_Audio_<n>.json
"""

import ast
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

FIRST, LAST = date(2008, 1, 1), date(2026, 3, 1)
AWAKE_S = 16 * 3600
PER_FILE = 100_000
ROWS = """
select
    strftime(
        timestamp '2008-01-01 07:00:00' + to_days((i // {per_day})::int)
        + to_milliseconds(((i % {per_day} + 1) * {pace_ms})::bigint),
        '%Y-%m-%dT%H:%M:%SZ'
    ) as ts,
    ['ios', 'android', 'windows'][(1 + hash(i, 1) % 3)::bigint] as platform,
    (31000 + hash(i, 2) % {spare_ms})::bigint as ms_played,
    'DE' as conn_country,
    name as master_metadata_track_name,
    artist as master_metadata_album_artist_name,
    album as master_metadata_album_album_name,
    'spotify:track:' || track_id as spotify_track_uri,
    null::varchar as episode_name,
    null::varchar as episode_show_name,
    null::varchar as spotify_episode_uri,
    null::varchar as audiobook_title,
    null::varchar as audiobook_uri,
    null::varchar as audiobook_chapter_uri,
    null::varchar as audiobook_chapter_title,
    'trackdone' as reason_start,
    ['trackdone', 'fwdbtn', 'endplay'][(1 + hash(i, 3) % 3)::bigint] as reason_end,
    hash(i, 4) % 2 = 0 as shuffle,
    hash(i, 5) % 10 < 3 as skipped,
    false as offline,
    null::bigint as offline_timestamp,
    false as incognito_mode
from (
    select i, floor((select count(*) from tracks) * pow((hash(i, 6) % 1000000) / 1000000.0, 3))::bigint as place
    from range({first}, {last}) as numbers (i)
)
inner join tracks using (place)
"""


def write(folder: Path, catalog: Path, plays: int) -> Path:
    """Writes the export of so many plays of a catalog's tracks; returns the folder of its files."""
    files = folder / "my_spotify_data"
    files.mkdir()
    per_day = plays // (LAST - FIRST).days + 1
    with tracks_of(catalog) as connection:
        for number, first in enumerate(range(0, plays, PER_FILE)):
            place = files / f"Streaming_History_Audio_{number}.json"
            write_some(connection, place, per_day, first, min(first + PER_FILE, plays))
    return files


def write_some(connection: duckdb.DuckDBPyConnection, place: Path, per_day: int, first: int, last: int) -> None:
    """Writes one file with some plays of a lifetime, told by their numbers."""
    pace_ms = min(AWAKE_S * 1000 // per_day, 240_000)
    spare_ms = max(pace_ms - 31_000, 1)
    rows = ROWS.format(per_day=per_day, pace_ms=pace_ms, spare_ms=spare_ms, first=first, last=last)
    connection.execute(f"copy ({rows}) to '{place}' (format json, array true)")


@contextmanager
def tracks_of(catalog: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that knows a catalog's tracks, for `write_some`."""
    with duckdb.connect() as connection:
        connection.register("tracks", _tracks(catalog))
        yield connection


def _tracks(catalog: Path) -> pa.Table:
    """Tracks of the catalog by their place, with the names that an export tells."""
    with sqlite3.connect(catalog) as connection:
        artists = dict(connection.execute("select artist_id, name from spotify_artists"))
        albums = dict(connection.execute("select album_id, name from spotify_albums"))
        rows = connection.execute("select track_id, name, artists_id, album_id from spotify_tracks order by track_id")
        found = [
            {
                "place": place,
                "track_id": track_id,
                "name": name,
                "artist": artists.get(next(iter(ast.literal_eval(listed)), "")),
                "album": albums.get(album_id),
            }
            for place, (track_id, name, listed, album_id) in enumerate(rows)
        ]
    return pa.Table.from_pylist(found)
