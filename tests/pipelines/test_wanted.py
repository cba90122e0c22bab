"""What the API should be asked for, from bronze files as they are."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.committed import File
from pipelines.embedded import surround
from pipelines.ingest import Plan, ingest
from pipelines.lake import Snapshot
from pipelines.settings import load
from pipelines.wanted import OBJECTS, wanted
from sources.spotify_api import memory
from tests.environment import Environment

TRACK = '{"id": "often", "album": {"id": "album"}, "artists": [{"id": "first"}, {"id": "second"}]}'
ROWS = {
    "spotify_export__streams": "select unnest(['often', 'often', 'seldom', 'known']) as id,"
    " 'spotify:track:' || id as spotify_track_uri",
    "spotify_api__tracks": f"select 'often' as id, '{TRACK}' as payload",
    "spotify_api__artists": "select 'first' as id, '{}' as payload",
    "catalog__spotify_tracks": "select 'known' as track_id, 0.5::double as danceability"
    " union all select 'seldom', null",
}


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    for view, query in ROWS.items():
        duckdb.sql(f"copy ({query}) to '{tmp_path}/{view}.parquet'")
    return Snapshot({view: (File(f"{tmp_path}/{view}.parquet", "1.0", 1),) for view in ROWS})


def test_what_bronze_lacks_is_wanted_most_played_first(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    assert list(wanted(load(), snapshot)) == [
        ("tracks", "known"),
        ("tracks", "seldom"),
        ("artists", "second"),
        ("albums", "album"),
        ("audio_features", "often"),
        ("audio_features", "seldom"),  # the catalog has the track, but no features of it
    ]


def test_an_answer_that_is_no_json_hides_no_other(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    half = '{"track": {"name": "\\ud83d"}}'
    kinds = {
        "spotify_api__plays": f"select 'spoilt' as track_id, '{half}' as payload",
        "spotify_api__tracks": f"{ROWS['spotify_api__tracks']} union all select 'known', '{half}'",
    }
    for view, query in kinds.items():
        duckdb.sql(f"copy ({query}) to '{tmp_path}/{view}.parquet'")
    files = snapshot.files | {view: (File(f"{tmp_path}/{view}.parquet", "1.0", 1),) for view in kinds}
    asked = list(wanted(load(), Snapshot(files)))
    assert {("tracks", "spoilt"), ("artists", "second"), ("albums", "album")} < set(asked)


def test_what_bronze_holds_is_never_fetched_again_though_the_source_has_forgotten_it(
    copied: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "FETCHED_IDS", 5)
    for name in ("LAKEHOUSE__DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, copied.variables[name])
    settings = load()
    for _ in range(3):
        with surround(settings, timedelta(hours=25)) as around:  # as long as a budget counts
            (loaded,) = ingest(around, Plan(("spotify_api",)))
            assert not loaded.problems
    for kind in OBJECTS[:3]:
        files = sorted((copied.data_dir / "lake/spotify_api" / kind).glob("*.parquet"))
        (held, rows), *_ = duckdb.sql(
            f"select count(distinct id), count(*) from read_parquet({list(map(str, files))})"
        ).fetchall()
        assert len(files) > 1, kind
        assert held == rows > 5, kind
