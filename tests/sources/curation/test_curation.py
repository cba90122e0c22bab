"""The listener's own rules: every line checked, copied when changed, undone when removed."""

from pathlib import Path

import duckdb
import pytest

from pipelines.lake import pipeline_for, take_snapshot
from pipelines.settings import Settings, load
from pipelines.store import open_store
from sources.curation.load import load_rules
from sources.curation.rules import read_rules


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    return load()


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def copy(settings: Settings) -> int:
    state = settings.data_dir / "pipelines/curation/state.json"
    return load_rules(lambda: pipeline_for(settings, "curation"), settings.curation, state)


def newest(settings: Settings) -> list[tuple[str, int, str]]:
    paths = take_snapshot(open_store(settings.lake)).paths("curation__rules")
    return duckdb.sql(f"select file, line, kind from read_parquet('{paths[-1]}') order by all").fetchall()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("exclude.csv", "kind,id,name\nartist,,Kinderlieder\n", ""),
        ("exclude.csv", "kind,from_at,to_at\nwindow,2024-03-01 22:00,2024-03-02 06:00\n", ""),
        ("exclude.csv", "kind,id\ncow,1\n", "kind 'cow'"),
        ("exclude.csv", "kind,id\nartist,\n", "id or name"),
        ("exclude.csv", "kind,from_at,to_at\nwindow,2024-03-01,\n", "to_at is missing"),
        ("exclude.csv", "kind,from_at,to_at\nwindow,soon,later\n", "write a time such as"),
        ("exclude.csv", "kind,from_at,to_at\nwindow,2024-03-02,2024-03-01\n", "not before"),
        ("exclude.csv", "art,id\nartist,1\n", "unknown column 'art'"),
        ("rename.csv", "kind,id,new_name\nartist,1,\n", "new_name"),
        ("merge.csv", "kind,from_id,into_id\ntrack,1,1\n", "the same"),
        ("recordings.csv", "track_id,recording_id\n1,\n", "recording_id"),
        ("recordings.csv", "track_id,recording_id\n1,2,3\n", "more cells"),
        ("wishes.csv", "a\n1\n", "no such file"),
    ],
)
def test_a_line_is_valid_or_says_what_is_wrong(tmp_path: Path, name: str, text: str, problem: str) -> None:
    write(tmp_path, name, text)
    (rule,) = read_rules(tmp_path)
    assert rule.is_valid == (not problem)
    assert problem in rule.problem


def test_rules_are_copied_once_per_change_and_an_emptied_folder_is_told(settings: Settings) -> None:
    write(settings.curation, "exclude.csv", "kind,name\nartist,Ж\n")
    assert [copy(settings), copy(settings)] == [1, 0]
    assert newest(settings) == [("exclude.csv", 2, "artist")]
    write(settings.curation, "exclude.csv", "kind,name\n")
    assert [copy(settings), copy(settings)] == [1, 0]
    assert newest(settings) == [("", 0, "none")]


def test_a_folder_that_is_not_there_erases_nothing_on_an_empty_machine(settings: Settings) -> None:
    write(settings.curation, "merge.csv", "kind,from_id,into_id\ntrack,a,b\n")
    assert copy(settings) == 1
    settings.curation.joinpath("merge.csv").unlink()
    settings.curation.rmdir()
    assert copy(settings) == 0
    assert newest(settings) == [("merge.csv", 2, "track")]
