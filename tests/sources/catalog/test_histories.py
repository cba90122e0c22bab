"""Whatever happens to the catalog, and wherever a run is killed, silver ends with what the catalog holds."""

import os
import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.catalog.choice import Default
from sources.catalog.database import open_database

START = datetime(2026, 1, 1, tzinfo=UTC)
STRATEGIES = [
    Default(strategy="full", allow_shrink=True),
    Default(strategy="watermark", allow_shrink=True),
    Default(strategy="partition", partition="updated_at", allow_shrink=True),
]
KEYS = st.sampled_from(["a", "A", "b", "ü", "o'b", "c\\d", "112", "NULL", "e f"])
CHANGES = st.tuples(st.sampled_from(["put", "put", "put", "delete"]), KEYS, st.integers(0, 3), st.booleans())
HISTORIES = st.lists(st.lists(CHANGES, min_size=1, max_size=8), min_size=2, max_size=3)


def quoted(text: str, server: str) -> str:
    return "'" + (text.replace("\\", "\\\\") if server == "mariadb" else text).replace("'", "''") + "'"


class History:
    """Writes changes as they happen: the cursor moves with each, mostly ahead, now and then behind."""

    def __init__(self, house, server: str) -> None:
        self.house, self.server, self.ticks = house, server, 0

    def apply(self, changes: list[tuple[str, str, int, bool]]) -> None:
        statements = []
        for verb, key, day, behind in changes:
            self.ticks += 1
            # the same moment for neighbours, unless it is one that was committed late
            tick = self.ticks if behind else self.ticks // 3 * 3
            moment = START + timedelta(days=day if behind else 5, microseconds=tick)
            literal = quoted(key, self.server)
            statements.append(f"delete from spotify_artists where artist_id = {literal}")
            if verb == "put":
                statements.append(
                    "insert into spotify_artists (artist_id, name, updated_at) values "
                    f"({literal}, 'n{self.ticks}', '{moment:%Y-%m-%d %H:%M:%S.%f}')"
                )
        self.house.do(*statements)


def live(house, server: str, history: list) -> None:
    writer = History(house, server)
    for changes in history:
        writer.apply(changes)
        house.extract()
        assert house.silver("spotify_artists", "artist_id", "name") == house.source(
            "spotify_artists", "artist_id", "name"
        )
        assert house.nothing_new()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.strategy)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
def test_silver_equals_the_source_after_any_history(
    open_house, tmp_path_factory, strategy: Default, history: list
) -> None:
    live(open_house(folder=tmp_path_factory.mktemp("house"), artists=strategy), "sqlite", history)


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.strategy)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
def test_silver_equals_mariadb_after_any_history(
    open_house, mariadb, tmp_path_factory, strategy: Default, history: list
) -> None:
    live(open_house(mariadb.fresh(), tmp_path_factory.mktemp("house"), artists=strategy), "mariadb", history)


KILLED = """
import os, signal, sys
import dlt
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from dlt.pipeline.pipeline import Pipeline
from sources.catalog import extract
from sources.catalog.choice import Default
from sources.catalog.database import open_database

def die(*_arguments, **_names):
    os.kill(os.getpid(), signal.SIGKILL)

url, folder, point, strategy = sys.argv[1:]
progress = die if point == "reading" else lambda *_: None
if point == "normalize":
    Pipeline.normalize = die
if point == "load":
    Pipeline.load = die
if point == "commit":
    FilesystemClient.complete_load = die
pipeline = dlt.pipeline("catalog", destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/lake"),
                        dataset_name="catalog", pipelines_dir=f"{folder}/pipelines")
settings = Default(strategy=strategy, partition="updated_at" if strategy == "partition" else None)
extract(pipeline, url, {"spotify_artists": settings}, progress=progress)
"""


@pytest.mark.parametrize("point", ["reading", pytest.param("normalize", marks=pytest.mark.long), "load", "commit"])
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.strategy)
def test_a_run_that_is_killed_and_run_again_ends_as_if_undisturbed(open_house, point: str, strategy: Default) -> None:
    house = open_house(artists=strategy)
    writer = History(house, "sqlite")
    writer.apply([("put", key, 0, False) for key in "abcdefgh"])
    house.extract()
    writer.apply([("put", "a", 0, False), ("put", "z", 1, True), ("delete", "b", 0, False)])
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, house.url, str(house.folder), point, strategy.strategy or ""],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    writer.apply([("put", "y", 0, False)])
    house.extract()
    assert house.silver("spotify_artists", "artist_id", "name") == house.source("spotify_artists", "artist_id", "name")
    assert house.nothing_new()
    rows = [(row["artist_id"], row["name"], row["_dlt_load_id"]) for row in house.bronze("spotify_artists")]
    assert len(rows) == len(set(rows))


def hammer(house, stop: threading.Event) -> None:
    """Changes without a pause, the way an application does: the database itself moves the cursor."""
    choice, name = random.Random(7), 0
    engine = open_database(house.url)
    with engine.connect().execution_options(no_parameters=True, isolation_level="AUTOCOMMIT") as raw:
        while not stop.is_set():
            key = f"k{choice.randrange(400)}"
            raw.exec_driver_sql(f"delete from spotify_artists where artist_id = '{key}'")
            if choice.random() < 0.8:
                name = choice.randrange(10**9)
                raw.exec_driver_sql(f"insert into spotify_artists (artist_id, name) values ('{key}', 'n{name}')")
            other = f"k{choice.randrange(400)}"
            raw.exec_driver_sql(f"update spotify_artists set name = 'u{name}' where artist_id = '{other}'")


@pytest.mark.servers
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.strategy)
def test_a_database_that_changes_while_it_is_read_loses_nothing(open_house, mariadb, strategy: Default) -> None:
    house = open_house(mariadb.fresh(), artists=strategy)
    house.do(*(f"insert into spotify_artists (artist_id, name) values ('k{i}', 'first')" for i in range(400)))
    stop = threading.Event()
    writer = threading.Thread(target=hammer, args=(house, stop))
    writer.start()
    try:
        states = [house.extract()["spotify_artists"].state for _ in range(4)]
    finally:
        stop.set()
        writer.join()
    assert states == ["loaded"] * 4
    house.extract()
    assert house.silver("spotify_artists", "artist_id", "name") == house.source("spotify_artists", "artist_id", "name")
    house.extract()
    assert house.nothing_new()
