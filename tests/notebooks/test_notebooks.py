"""Every notebook is read by marimo's own check and run as a script, from any folder, on a built environment."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.environment import ROOT, Environment

NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.py") if "marimo.App" in path.read_text())


TOLD = {
    "explore": "select 'tracks ' || count(*) || ' · ' from gold.dim_tracks",
    "listening": "select format('plays {:,}', count(*)) from gold.fct_plays where is_counted",
    "recommender": """
        select '1. ' || track_name || ', ' || artist_name || ': ' || reason
        from gold.recommendations where kind = 'rediscover' and rank = 1
    """,
}
"""What each notebook must say among the rest."""


def run(notebook: Path, environment: Environment, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, notebook],
        check=False,
        cwd=cwd,
        env=environment.variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_marimo_finds_nothing_wrong(notebook: Path) -> None:
    answer = subprocess.run(
        [Path(sys.executable).parent / "marimo", "check", "--strict", notebook],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_tells_what_gold_holds_as_a_script_from_any_folder(
    notebook: Path, built: Environment, tmp_path: Path
) -> None:
    with duckdb.connect(str(built.data_dir / "warehouse.duckdb"), read_only=True) as gold:
        ((told,),) = gold.execute(TOLD[notebook.stem]).fetchall()

    answer = run(notebook, built, tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert told in answer.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_gold_alone(notebook: Path) -> None:
    source = notebook.read_text()

    assert "gold." in source
    assert "silver." not in source
    assert "bronze." not in source


def test_before_the_first_run_a_notebook_says_what_to_do(tmp_path: Path) -> None:
    answer = run(ROOT / "notebooks" / "explore.py", Environment(tmp_path / "empty"), tmp_path)

    assert answer.returncode == 1
    assert "pipelines/run.py" in answer.stderr
    assert "Traceback" not in answer.stderr
