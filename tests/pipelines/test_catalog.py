"""A catalog with other primary keys than the ids, or without any, from its database to gold."""

import sqlite3
from pathlib import Path

import pytest

from sources.catalog.schema import catalog_columns
from sources.catalog.tables import CATALOG
from tests.environment import Environment

KEYS = {
    "spotify_tracks": ("number integer, track_id text", "partition"),
    "spotify_albums": ("id integer primary key, album_id text", "full"),
    "spotify_artists": ("id integer primary key, artist_id text not null unique", "watermark"),
}
"""First columns of each table, and how it is read."""


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    settings = {f"SOURCES__CATALOG__{table.upper()}__STRATEGY": how for table, (_, how) in KEYS.items()}
    settings |= {"SOURCES__CATALOG__SPOTIFY_TRACKS__PARTITION": "playlist"}
    settings |= {"SOURCES__CATALOG__SPOTIFY_ARTISTS__CURSOR": "followers"}
    settings |= {"SOURCES__CATALOG__CREDENTIALS": f"sqlite:///{tmp_path}/catalog.sqlite", "WORKSPACE__PROFILE": "prod"}
    environment = Environment(tmp_path / "data", settings)
    for table in CATALOG:
        rest = [f"{name} {'integer' if name == 'followers' else 'text'}" for name in catalog_columns(table)]
        left = [column for column in rest if not column.startswith((table.key[0], "number "))]
        change(environment, f"create table {table.name} ({KEYS[table.name][0]}, {', '.join(left)})")
    return environment


def change(environment: Environment, *statements: str) -> None:
    with sqlite3.connect(environment.data_dir.parent / "catalog.sqlite") as catalog:
        for statement in statements:
            catalog.execute(statement)


def published(environment: Environment) -> dict[str, str]:
    """What each dimension holds, where no station differs from the one before."""
    answer = environment.run()
    assert answer.returncode == 0, answer.stderr
    query = "select distinct explained from ops.reconciliation"
    assert environment.ask(query) == [{"explained": "True"}]
    names = ", ".join(
        f"(select string_agg({name}_id || ' ' || {name}_name, ', ' order by {name}_id) from gold.dim_{name}s) as {name}"
        for name in ("track", "album", "artist")
    )
    return environment.ask(f"select {names}")[0]


@pytest.mark.long
def test_changes_reach_gold_whatever_the_primary_keys_are(here: Environment) -> None:
    change(
        here,
        "insert into spotify_tracks (track_id, name, playlist) values ('a', 'A', '2026-01-01'), ('b', 'B', '2026-01-02'),"
        " ('c', 'C', null), ('c', 'C', null), (null, 'nothing', null)",
        "insert into spotify_albums (id, album_id, name) values (1, 'x', 'X'), (2, 'y', 'Y'), (3, 'y', 'Y')",
        "insert into spotify_artists (id, artist_id, name, followers) values (1, '2', 'M', 1), (2, 'n', 'N', 2)",
    )
    assert published(here) == {"track": "a A, b B, c C", "album": "x X, y Y", "artist": "2 M, n N"}
    change(
        here,
        "delete from spotify_tracks where track_id = 'b'",
        "update spotify_tracks set name = 'changed' where track_id = 'c'",
        "insert into spotify_tracks (track_id, name, playlist) values ('d', 'D', '2026-01-01')",
        "delete from spotify_albums where id < 3",
        "insert into spotify_albums (id, album_id, name) values (4, 'z', 'Z')",
        "delete from spotify_artists where id = 2",
        "update spotify_artists set artist_id = 'o', name = 'O', followers = 3 where id = 1",
        "insert into spotify_artists (id, artist_id, name, followers) values (9, '1', 'P', 4)",
    )
    assert published(here) == {"track": "a A, c changed, d D", "album": "y Y, z Z", "artist": "1 P, o O"}
