"""The catalog as a plain dlt source, and what a quiet run does not import."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sources.catalog import catalog
from sources.catalog.choice import Default
from sources.catalog.tables import TABLES
from sources.table import LOAD_ID


def test_the_plain_source_loads_what_is_new_by_itself(open_house: Callable) -> None:
    here = open_house()
    here.do("insert into spotify_artists (artist_id, name) values ('a', 'n'), ('b', 'm')")
    for _ in range(2):
        here.pipeline().run(catalog(here.url), loader_file_format="parquet")
    assert len(here.bronze("spotify_artists")) == 2
    assert here.nothing_new()
    here.do("delete from spotify_artists where artist_id = 'a'")
    here.pipeline().run(catalog(here.url), loader_file_format="parquet")
    here.check()


def test_the_source_takes_its_database_from_the_settings(open_house: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    here = open_house()
    monkeypatch.setenv("SOURCES__CATALOG__CREDENTIALS", here.url)
    here.do("insert into spotify_tracks (track_id) values ('t')")
    here.pipeline().run(catalog(), loader_file_format="parquet")
    assert here.silver("spotify_tracks", "track_id") == [("t",)]


def test_bronze_has_exactly_the_declared_columns(open_house: Callable) -> None:
    import pyarrow.parquet as pq

    here = open_house(artists=Default(strategy="watermark"))
    here.do(*(f"insert into {table} ({table[8:-1]}_id) values ('k'), ('l')" for table in here_tables()))
    here.extract()
    here.do("delete from spotify_artists where artist_id = 'k'")
    here.extract()
    for table in TABLES:
        files = sorted((here.folder / "lake/catalog" / table.name).glob("*.parquet"))
        assert files, table.name
        for file in files:
            schema = pq.read_schema(file)
            assert schema.names == [*table.columns, LOAD_ID]
            assert [schema.field(name).type for name in table.columns] == list(table.arrow_schema.types)


def here_tables() -> list[str]:
    return ["spotify_tracks", "spotify_albums", "spotify_artists"]


QUIET = """
import sys
from pathlib import Path
from sources.catalog import nothing_new
assert nothing_new(Path(sys.argv[1]), sys.argv[2])
heavy = {"connectorx", "pandas", "duckdb", "dlt.sources.sql_database", "pyarrow"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_quiet_run_imports_nothing_heavy(open_house: Callable) -> None:
    here = open_house()
    here.do("insert into spotify_artists (artist_id) values ('a')")
    here.extract()
    arguments = [sys.executable, "-c", QUIET, str(here.folder / "pipelines"), here.url]
    root = Path(__file__).parents[3]
    done = subprocess.run(arguments, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
