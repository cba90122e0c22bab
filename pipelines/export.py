"""`run.py export DIR`: everything that gold holds, in forms that other programs read.

`gold/` has each table as parquet and as CSV, `plays/` the counted plays as ListenBrainz (JSON lines) and Last.fm (CSV)
take them, `playlists/` what is recommended, on repeat, forgotten and most played. Spotify's desktop app takes the text
of a playlist by pasting it.

Data flow: gold -> files
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from pipelines.settings import Settings
from sources.problem import Problem

if TYPE_CHECKING:
    import duckdb

NAMED = "is_counted and track_name <> 'Unknown Track' and artist_name <> 'Unknown Artist'"

LISTENBRAINZ = f"""
with plays as (
    select * from gold.fct_plays where {NAMED}
)

select
    epoch_ms(coalesce(plays.started_at, plays.played_at)) // 1000 as listened_at,
    struct_pack(
        artist_name := plays.artist_name,
        track_name := plays.track_name,
        release_name := plays.album_name,
        additional_info := struct_pack(
            duration_ms := tracks.duration_ms,
            ms_played := case when not plays.is_ms_played_estimated then plays.ms_played end,
            isrc := tracks.isrc,
            music_service := 'spotify.com',
            spotify_id := 'https://open.spotify.com/track/' || plays.track_id,
            submission_client := 'listening-lakehouse'
        )
    ) as track_metadata
from plays
left join gold.dim_tracks as tracks using (track_id)
order by plays.played_at, plays.play_id
"""

LASTFM = f"""
select artist_name as artist, coalesce(album_name, '') as album, track_name as track,
    strftime(timezone('UTC', coalesce(started_at, played_at)), '%d %b %Y %H:%M') as date
from gold.fct_plays
where {NAMED}
order by played_at desc, play_id
"""

PLAYLIST = """
select {columns}
from {rows}
where track_id is not null
order by rank
limit 100
"""
URI = "'spotify:track:' || track_id as uri"
DESCRIBED = f"rank, {URI}, track_name, artist_name"
PLAYLISTS: Mapping[str, str] = MappingProxyType(
    {
        "rediscover": "(from gold.recommendations where kind = 'rediscover')",
        "discover": "(from gold.recommendations where kind = 'discover')",
        "on_repeat": "gold.on_repeat",
        "forgotten": "gold.forgotten",
        "top_ever": "(from gold.top_tracks where period = 'all')",
        "top_of_the_year": "(from gold.top_tracks where period = 'year' and period_start ="
        " (select max(period_start) from gold.top_tracks where period = 'year'))",
    }
)
"""The lists to play, and where they come from."""
RECOMMENDED = ("rediscover", "discover")

LIST_AS_TEXT = "format csv, header false, quote ''"
FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "plays/listenbrainz.jsonl": (LISTENBRAINZ, "format json"),
        "plays/lastfm.csv": (LASTFM, "format csv, header false"),
        **{
            f"playlists/{name}.csv": (
                PLAYLIST.format(columns=DESCRIBED + (", reason" if name in RECOMMENDED else ", plays"), rows=rows),
                "format csv, header",
            )
            for name, rows in PLAYLISTS.items()
        },
        **{
            f"playlists/{name}.txt": (PLAYLIST.format(columns=URI, rows=r), LIST_AS_TEXT)
            for name, r in PLAYLISTS.items()
        },
    }
)


def export(settings: Settings, options: argparse.Namespace) -> int:
    """Write everything into a folder; files of an earlier export are replaced.

    Raises:
        UsageProblem: Nothing is built yet.
        Problem: The folder cannot be written.
    """
    from pipelines.query import analyst

    folder: Path = options.folder
    with analyst(settings) as connection:
        for part in ("gold", "plays", "playlists"):
            _make(folder / part)
        for file, rows in write(connection, folder).items():
            sys.stdout.write(f"{rows:>12,} rows  {folder / file}\n")
    return 0


def write(connection: "duckdb.DuckDBPyConnection", folder: Path) -> dict[str, int]:
    """Write all files.

    Args:
        connection: Of `pipelines.query.analyst`.
        folder: Where `gold`, `plays` and `playlists` are.

    Returns:
        Rows by file, its name relative to the folder.
    """
    written = {}
    for table in _tables(connection):
        select = f"select * from gold.{quote(table)}"
        for ending, form in (("parquet", "format parquet"), ("csv", "format csv, header")):
            written[f"gold/{table}.{ending}"] = _copy(connection, select, folder / "gold" / f"{table}.{ending}", form)
    for file, (select, form) in FILES.items():
        written[file] = _copy(connection, select, folder / file, form)
    return written


def _tables(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    found = connection.execute(
        "select distinct table_name from information_schema.tables where table_schema = 'gold' order by 1"
    )
    return [name for (name,) in found.fetchall()]


def _copy(connection: "duckdb.DuckDBPyConnection", select: str, file: Path, form: str) -> int:
    making = file.with_name(f".{file.name}.making")  # a file that has its name is whole
    try:
        ((rows,),) = connection.execute(f"copy ({select}) to {literal(str(making))} ({form})").fetchall()
        making.replace(file)
    finally:
        making.unlink(missing_ok=True)
    return int(rows)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{folder} cannot be made: {error.strerror}. Give another folder to export to.") from error
