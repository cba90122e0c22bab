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
