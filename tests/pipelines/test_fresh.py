"""What allows a build to leave the past as it is: files that only came, of sources that only grow."""

from pathlib import Path

import duckdb
import pytest

from pipelines import fresh
from pipelines.committed import File, Loss
from pipelines.lake import Snapshot
from pipelines.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path / "data"))
    return load()


def plays(folder: Path, name: str, *times: str) -> File:
    """A file of plays at some times."""
    path = folder / f"{name}.parquet"
    rows = ", ".join(f"(timestamptz '{time}')" for time in times)
    duckdb.sql(f"copy (select * from (values {rows}) as told (played_at)) to '{path}'")
    return File(str(path), "1", 1)


def lake(**files: tuple[File, ...]) -> Snapshot:
    return Snapshot(files)


def test_the_earliest_new_play_is_told(settings: Settings, tmp_path: Path) -> None:
    first = plays(tmp_path, "first", "2026-01-01 00:00:00+00")
    second = plays(tmp_path, "second", "2026-03-02 10:00:00+00", "2026-03-01 09:30:00+00")
    fresh.remember(settings, lake(spotify_api__plays=(first,)))
    assert fresh.fresh_from(settings, lake(spotify_api__plays=(first, second))).startswith("2026-03-01 09:30")
    assert fresh.fresh_from(settings, lake(spotify_api__plays=(first,))) == fresh.NO_NEW_PLAY


def test_without_a_list_everything_is_made(settings: Settings, tmp_path: Path) -> None:
    assert fresh.fresh_from(settings, lake(spotify_api__plays=(plays(tmp_path, "a", "2026-01-01 00:00:00+00"),))) == ""


@pytest.mark.parametrize("source", ["spotify_export__streams", "curation__rules"])
def test_an_import_or_a_rule_may_change_every_play(settings: Settings, tmp_path: Path, source: str) -> None:
    old, new = plays(tmp_path, "a", "2026-01-01 00:00:00+00"), plays(tmp_path, "b", "2026-02-01 00:00:00+00")
    fresh.remember(settings, Snapshot({source: (old,)}))
    assert fresh.fresh_from(settings, Snapshot({source: (old, new)})) == ""


def test_a_file_that_went_or_a_loss_may_change_every_play(settings: Settings, tmp_path: Path) -> None:
    old, new = plays(tmp_path, "a", "2026-01-01 00:00:00+00"), plays(tmp_path, "b", "2026-02-01 00:00:00+00")
    fresh.remember(settings, lake(spotify_api__plays=(old, new)))
    assert fresh.fresh_from(settings, lake(spotify_api__plays=(new,))) == ""
    loss = Loss("c", "spotify_api__polls", "1", "gone", None, None, None)
    assert fresh.fresh_from(settings, Snapshot({"spotify_api__plays": (old, new)}, losses=(loss,))) == ""
