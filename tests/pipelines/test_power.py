"""A power cut takes what is in memory alone: what a source forgets is on disk in the lake by then."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.embedded import surround
from pipelines.ingest import Plan, ingest
from pipelines.settings import load
from pipelines.store import Folder
from tests.environment import Environment


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was forced to disk, in order; a file that has two is told by the one that it was opened by."""
    names: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        names.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return names


def test_plays_are_on_disk_in_the_lake_before_the_journal_forgets_them(
    copied: Environment, monkeypatch: pytest.MonkeyPatch, synced: list[str]
) -> None:
    for name in ("LAKEHOUSE__DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, copied.variables[name])
    lake = copied.data_dir / "lake/spotify_api"
    before = set(lake.rglob("*.*"))
    with surround(load(), timedelta(hours=8)) as around:
        (loaded,) = ingest(around, Plan(("spotify_api",)))
    assert loaded.rows > 0
    forgets = max(at for at, name in enumerate(synced) if "/.spotify_api.jsonl." in name)
    new = {str(path) for path in set(lake.rglob("*.*")) - before if path.parent.name != "_manifests"}
    assert {Path(name).parent.name for name in new} >= {"plays", "polls", "_dlt_loads", "_dlt_pipeline_state"}
    assert new | {str(Path(name).parent) for name in new} <= set(synced[:forgets])


def test_a_small_file_is_on_disk_before_it_takes_its_name(tmp_path: Path, synced: list[str]) -> None:
    Folder(tmp_path).write("_compacted/list.json", b"{}")
    assert Path(synced[0]).name.startswith(".list.json")
    assert str(tmp_path / "_compacted") in synced
