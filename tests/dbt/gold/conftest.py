"""Gold built for real by dbt over silver tables that a test fills itself: no bronze, no silver models."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from tests import forked
from tests.dbt.gold.history import History, simulated
from tests.environment import SURROUNDINGS

PROJECT = Path(__file__).parents[3] / "dbt"
ZONE = "Europe/Berlin"
LISTENER = {"timezone": ZONE, "week_start": "sunday", "min_play_seconds": 30, "min_play_share": 0.1}

COLUMNS: dict[str, dict[str, str]] = {
    "int_plays_unified": {
        "play_id": "varchar", "ended_at": "timestamptz", "started_at": "timestamptz", "ms_played": "bigint",
        "is_ms_played_estimated": "boolean", "is_skipped": "boolean", "is_incognito": "boolean", "track_id": "varchar",
        "track_name": "varchar", "artist_id": "varchar", "artist_name": "varchar", "album_id": "varchar",
        "album_name": "varchar", "recording_id": "varchar", "duration_ms": "bigint", "platform": "varchar",
        "reason_start": "varchar", "reason_end": "varchar", "source": "varchar", "sources": "varchar[]",
        "is_excluded": "boolean",
    },
    "int_tracks": {
        "track_id": "varchar", "track_name": "varchar", "album_id": "varchar", "artist_id": "varchar",
        "artist_ids": "varchar[]", "isrc": "varchar", "duration_ms": "bigint", "popularity": "bigint",
        "danceability": "double", "energy": "double", "key": "bigint", "loudness": "double", "mode": "bigint",
        "speechiness": "double", "acousticness": "double", "instrumentalness": "double", "liveness": "double",
        "valence": "double", "tempo": "double", "time_signature": "bigint",
    },
    "int_recordings": {"track_id": "varchar", "recording_id": "varchar"},
    "int_albums": {
        "album_id": "varchar", "album_name": "varchar", "artist_id": "varchar", "album_type": "varchar",
        "released_on": "date", "release_precision": "varchar", "total_tracks": "bigint",
    },
    "int_artists": {
        "artist_id": "varchar", "artist_name": "varchar", "genres": "varchar[]", "popularity": "bigint",
        "followers": "bigint", "is_known_by_catalog": "boolean", "is_known_by_api": "boolean",
    },
    "stg_curation__rules": {
        "file": "varchar", "kind": "varchar", "item_id": "varchar", "item_name": "varchar", "new_name": "varchar",
        "from_id": "varchar", "into_id": "varchar", "from_at": "timestamptz", "to_at": "timestamptz",
    },
    "int_settled": {"settled_before": "timestamptz", "reason": "varchar"},
    "int_completeness": {
        "from_at": "timestamptz", "to_at": "timestamptz", "state": "varchar", "missing_at_least": "bigint",
    },
    "play_observations": {
        "observation_id": "varchar", "source": "varchar", "play_id": "varchar", "reason": "varchar",
        "file_id": "varchar", "row_number": "bigint", "started_at": "timestamptz", "ended_at": "timestamptz",
    },
    "stg_spotify_export__files": {
        "file_id": "varchar", "archive": "varchar", "file": "varchar", "feed": "varchar", "kind": "varchar",
        "bytes": "bigint", "row_count": "bigint", "imported_at": "timestamptz",
    },
}  # fmt: skip

Build = Callable[..., duckdb.DuckDBPyConnection]


def fill(path: Path, history: History) -> None:
    """Write the silver tables of a history into a new DuckDB file."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema silver")
        for name, rows in history.tables().items():
            columns = COLUMNS[name]
            con.execute(f"create table silver.{name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            if rows:
                arrow = pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in rows])
                con.register("arrow_rows", arrow)
                con.execute(f"insert into silver.{name} select * from arrow_rows")
                con.unregister("arrow_rows")


def dbt(folder: Path, command: str, select: str, variables: dict[str, Any]) -> None:
    """Run dbt as a process of its own: in this one it would keep the file open under its own settings."""
    profile = {"lakehouse": {"target": "lake", "outputs": {"lake": {
        "type": "duckdb", "path": str(folder / "build.duckdb"), "schema": "silver", "threads": 2,
    }}}}  # fmt: skip
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    done = forked.dbt(
        ["--no-use-colors", command, "--select", *select.split(),
         "--project-dir", str(PROJECT), "--profiles-dir", str(folder),
         "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
         "--vars", yaml.safe_dump(variables)],
        SURROUNDINGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture(scope="session")
def build_gold(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Fill silver with a history, let dbt make gold of it, give a connection to the result.

    All are made in one place, so that dbt parses the project once; each result then goes to a folder of its own.
    """
    place = tmp_path_factory.mktemp("gold")

    def build(
        history: History, command: str = "run", select: str = "path:models/gold", **variables: Any
    ) -> duckdb.DuckDBPyConnection:
        fill(place / "build.duckdb", history)
        dbt(place, command, select, variables)
        made = (place / "build.duckdb").rename(tmp_path_factory.mktemp("made") / "build.duckdb")
        con = duckdb.connect(str(made), read_only=True)
        con.execute("set TimeZone = 'UTC'")
        return con

    return build


@pytest.fixture(scope="session")
def history() -> History:
    """A hundred and thirty days over the spring clock change of Berlin and over a new year's month ends."""
    return simulated(7, datetime(2024, 12, 20, 5, tzinfo=UTC), 130)


@pytest.fixture(scope="session")
def gold(build_gold: Build, history: History) -> Iterator[duckdb.DuckDBPyConnection]:
    """The simulated history as gold, every dbt test of gold included."""
    con = build_gold(history, "build", **LISTENER)
    yield con
    con.close()
