"""Files of this machine and of the lake that hold something else: remade where they are caches, told where not."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import ledger, merged
from pipelines.embedded import surround
from pipelines.ingest import Plan, ingest
from pipelines.integrity import sound_snapshot
from pipelines.lake_reader import Unreadable
from pipelines.settings import load
from pipelines.store import Folder
from sources.problem import Problem
from tests.environment import Environment

NO_DATABASE = b"this is no database"


@pytest.mark.long
def test_databases_that_hold_something_else_are_made_again(copied: Environment) -> None:
    before = copied.gold()
    names = ("warehouse.duckdb", "snapshot/lakehouse.duckdb", "build/lakehouse.duckdb")
    for name, said in zip(names, ("The next run makes it again", "is no database any more", ""), strict=True):
        (copied.data_dir / name).write_bytes(NO_DATABASE)
        assert said in copied.run("sql", "select 1").stderr
    assert "the next publish replaces it" in copied.run("doctor").stdout
    answer = copied.run()
    assert answer.returncode == 0, answer.stderr
    assert copied.gold() == before


def test_a_spoiled_file_that_stops_the_question_what_to_fetch_is_found_and_told(
    copied: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKEHOUSE__DATA_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, copied.variables[name])
    settings = load()
    sound_snapshot(settings, note=True)
    file = next((copied.data_dir / "lake/catalog/spotify_tracks").glob("*.parquet"))
    content = file.read_bytes()
    file.write_bytes(content[:4] + bytes(len(content) - 1004) + content[-1000:])
    with surround(settings, timedelta(hours=48)) as around:  # the first run has spent what 24 hours allow
        (loaded,) = ingest(around, Plan(("spotify_api",)))
    assert [isinstance(problem, Unreadable) for problem in loaded.problems] == [True]
    assert loaded.rows > 0  # the plays are kept
    assert [loss.path.rpartition("/")[2] for loss in sound_snapshot(settings).losses] == [file.name]


def test_a_list_of_merged_files_that_cannot_be_read_costs_time_alone(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    store.write(merged.LIST, b"{")
    assert merged.read_list(store) == ()
    assert merged.read_retired(store) == set()


def test_a_ledger_of_drift_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    store.write(ledger.PLACE, b"[1")
    with pytest.raises(Problem, match=r"_drift/ledger\.json cannot be read: put it back"):
        ledger.read(store)
