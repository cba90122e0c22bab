"""Profiles are apart: none can touch what belongs to another, and prod asks before anything is destroyed."""

from pathlib import Path

import pytest

from tests.environment import Environment


@pytest.mark.parametrize(
    "arguments",
    [
        ("--full-refresh",),
        ("ingest", "--full-refresh"),
        ("build", "--full-refresh"),
        ("publish", "--migrate"),
        ("dashboards", "--force"),
        ("rollback",),
    ],
    ids=" ".join,
)
def test_in_prod_what_destroys_or_replaces_asks_for_yes(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = Environment(tmp_path / "data").run("--profile", "prod", *arguments)
    assert answer.returncode == 2
    assert "--yes" in answer.stderr
    assert arguments[-1] in answer.stderr
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"logs"}


@pytest.mark.parametrize(
    "arguments",
    [("--profile", "prod", "--yes", "rollback"), ("--profile", "staging", "rollback")],
    ids=["prod with yes", "staging"],
)
def test_whoever_says_yes_or_means_another_profile_is_not_asked(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = Environment(tmp_path / "data").run(*arguments)
    assert answer.returncode == 1  # nothing was ever published here
    assert "nothing was rolled back" in answer.stderr


def test_a_profile_cannot_write_to_the_lake_data_folder_or_warehouse_of_another(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    lake = {"DESTINATION__LAKE__BUCKET_URL": str(tmp_path / "lake")}
    prod = Environment(tmp_path / "prod", lake)
    assert prod.run("--profile", "prod", "ingest", "curation").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "lake").rglob("*")}
    answer = Environment(tmp_path / "staging", lake).run("--profile", "staging")
    assert answer.returncode == 2
    assert "belongs to the profile prod, this is staging" in answer.stderr
    assert "DESTINATION__LAKE__BUCKET_URL" in answer.stderr
    answer = Environment(tmp_path / "prod").run("--profile", "staging")
    assert answer.returncode == 2
    assert "LAKEHOUSE__DATA_DIR" in answer.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "lake").rglob("*")} == before
