"""A new catalog file for a new world.

Whoever owns the real schema passes a function that makes its tables; without one, plain tables with the columns of the
generated rows are made. The file appears at its place only when it is whole.

Data flow: `sandbox.catalog.fill` -> SQLite file named by the catalog's URL.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_PLAIN = (
    """create table spotify_artists (number bigint, artist_popularity bigint, followers bigint, genres text,
        artist_id varchar(64) primary key, name text, track_id varchar(64), track_name_prev text, type text)""",
    """create table spotify_albums (number bigint, album_type text, artist_id varchar(64), available_markets text,
        external_urls text, href text, album_id varchar(64) primary key, images text, name text, release_date text,
        release_date_precision text, total_tracks bigint, track_id varchar(64), track_name_prev text, uri text,
        type text)""",
    """create table spotify_tracks (number0 bigint, number bigint, acousticness double precision,
        album_id varchar(64), analysis_url text, artists_id text, country text, danceability double precision,
        disc_number bigint, duration_ms bigint, energy double precision, href text, track_id varchar(64) primary key,
        instrumentalness double precision, track_key bigint, liveness double precision, loudness double precision,
        mode bigint, name text, playlist text, popularity bigint, preview_url text, speechiness double precision,
        tempo double precision, time_signature bigint, track_href text, track_name_prev text, track_number bigint,
        uri text, valence double precision, type text)""",
)


def create_plain(engine: "Engine") -> None:
    """Make the three catalog tables without `updated_at`, for worlds without a schema of their own."""
    from sqlalchemy import text

    with engine.begin() as connection:
        for statement in _PLAIN:
            connection.execute(text(statement))


def fill_if_missing(url: str, seed: int, tracks: int, create_tables: "Callable[[Engine], None] | None") -> None:
    """Make and fill the catalog if the URL names a SQLite file that does not exist; leave anything else alone."""
    from sqlalchemy import make_url

    place = make_url(url)
    if place.get_backend_name() != "sqlite" or not place.database or Path(place.database).exists():
        return
    target = Path(place.database)
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f"{target.name}.making")
    making.unlink(missing_ok=True)
    _fill(f"sqlite:///{making}", seed, tracks, create_tables or create_plain)
    making.rename(target)


def _fill(url: str, seed: int, tracks: int, create_tables: "Callable[[Engine], None]") -> None:
    from sqlalchemy import create_engine

    from sandbox.catalog import fill

    engine = create_engine(url)
    try:
        create_tables(engine)
        fill(engine, seed, tracks)
    finally:
        engine.dispose()
