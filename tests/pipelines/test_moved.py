"""A lake that is another one, or an older state of itself: what a source can still give is loaded again."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.embedded import surround
from pipelines.ingest import Plan, import_history, ingest
from pipelines.settings import Settings, load
from tests.environment import Environment


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path / "data"))
    return load()


def export(folder: Path, year: int) -> Path:
    """An export of fifty streams."""
    streams = [
        {"ts": f"{year}-01-01T10:{at:02d}:00Z", "ms_played": 40_000, "spotify_track_uri": f"spotify:track:{at:022d}"}
        for at in range(50)
    ]
    folder.mkdir()
    (folder / f"Streaming_History_Audio_{year}.json").write_text(json.dumps(streams))
    return folder


def streams(lake: Path) -> int:
    (row,) = duckdb.sql(f"select count(*) from read_parquet('{lake}/spotify_export/streams/*.parquet')").fetchall()
    return int(row[0])


def test_an_export_that_came_after_the_backup_is_imported_again(settings: Settings, tmp_path: Path) -> None:
    first, second = export(tmp_path / "a", 2020), export(tmp_path / "b", 2021)
    lake, backup = settings.lake.folder, tmp_path / "backup"
    import_history(settings, [first])
    shutil.copytree(lake, backup)
    import_history(settings, [second])
    shutil.rmtree(lake)
    shutil.copytree(backup, lake)
    report = import_history(settings, [first, second])
    assert [file.is_known for file in report.files] == [True, False]
    assert streams(lake) == 100


@pytest.mark.long
def test_plays_and_catalog_after_the_backup_come_again_and_every_station_agrees(
    lean: Environment, later: Environment, tmp_path: Path
) -> None:
    copy = Environment(tmp_path / "data")
    shutil.copytree(later.data_dir, copy.data_dir)
    shutil.rmtree(copy.data_dir / "lake")
    shutil.copytree(lean.data_dir / "lake", copy.data_dir / "lake")
    answer = copy.run()
    assert answer.returncode == 0, answer.stderr
    assert "does not hold what this machine last loaded of spotify_api" in answer.stderr
    told = "select count(*) as plays, sum(hash(play_id, played_at, track_id)::hugeint) as sum from gold.fct_plays"
    assert copy.ask(told) == later.ask(told)


def test_a_new_lake_that_nothing_came_to_yet_is_no_other_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SOURCES__SPOTIFY_API__CLIENT_ID", "app")  # whose login nobody has done yet
    for _ in range(2):
        with surround(load()) as around:
            (loaded,) = ingest(around, Plan(("spotify_api",)))
        assert "login" in str(loaded.problems)
    assert "does not hold" not in caplog.text


def plays(lake: Path) -> list[str]:
    told = f"select played_at || track_uri from read_parquet('{lake}/spotify_api/plays/*.parquet') order by all"
    return [str(key) for (key,) in duckdb.sql(told).fetchall()]


def test_an_empty_machine_notices_that_its_lake_is_an_older_state(settings: Settings, tmp_path: Path) -> None:
    def poll(hours: int = 0) -> None:
        with surround(settings, timedelta(hours=hours)) as around:
            ingest(around, Plan(("spotify_api",), should_stop=lambda: True))

    lake, backup = settings.lake.folder, tmp_path / "backup"
    poll()
    shutil.copytree(lake, backup)
    poll(hours=5)
    had = plays(lake)
    shutil.rmtree(settings.data_dir / "pipelines")
    shutil.rmtree(settings.data_dir / "listener")
    poll()  # its memory comes from the lake, and nothing is new
    shutil.rmtree(lake)
    shutil.copytree(backup, lake)
    assert set(plays(lake)) < set(had)
    poll()
    assert plays(lake) == had


def test_a_machine_that_only_knows_another_lake_s_memory_loads_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with surround(settings) as around:
        ingest(around, Plan(("catalog", "curation")))
    shutil.rmtree(settings.data_dir / "pipelines")
    with surround(settings) as around:
        assert [each.rows for each in ingest(around, Plan(("catalog",)))] == [0]  # its memory came from the lake
    monkeypatch.setenv("DESTINATION__LAKE__BUCKET_URL", str(tmp_path / "other"))
    with surround(load()) as around:
        (loaded,) = ingest(around, Plan(("catalog",)))
    assert loaded.rows > 3000
    assert not loaded.problems


def polled(monkeypatch: pytest.MonkeyPatch, data: Path, lake: Path, seed: int, hours: int = 0) -> tuple[int, str]:
    """Rows that a poll of a machine brought, and its problems; the seed says which listener it is."""
    named = {"LAKEHOUSE__DATA_DIR": data, "DESTINATION__LAKE__BUCKET_URL": lake, "SANDBOX__SEED": seed}
    for name, value in {**named, "SANDBOX__TRACKS": 300}.items():
        monkeypatch.setenv(name, str(value))
    with surround(load(), timedelta(hours=hours)) as around:
        (loaded,) = ingest(around, Plan(("spotify_api",), should_stop=lambda: True))
    return loaded.rows, " ".join(map(str, loaded.problems))


def test_a_lake_of_another_listener_takes_no_plays_of_this_machine_and_none_are_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine, other = (tmp_path / "a", tmp_path / "lake_a", 20), (tmp_path / "b", tmp_path / "lake_b", 21)
    assert polled(monkeypatch, *mine) == polled(monkeypatch, *other) == (50, "")
    before = plays(other[1])
    for _ in range(2):
        _, problems = polled(monkeypatch, mine[0], other[1], mine[2], hours=6)
        assert "plays of another listener" in problems
    assert plays(other[1]) == before
    assert polled(monkeypatch, *mine, hours=6)[1] == ""
    assert len(plays(mine[1])) == len(set(plays(mine[1]))) > 50
    assert polled(monkeypatch, *other, hours=6)[1] == ""
