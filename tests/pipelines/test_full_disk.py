"""A disk that is full: a message, no half file in the place of a whole one, and a run that goes on when there is space.

The limit is that of the process (no file may grow beyond it), which DuckDB and SQLite meet as they meet a full disk.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT, SURROUNDINGS, Environment

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, resource.RLIM_INFINITY))\n"
SNAPSHOT = """
from pathlib import Path
from pipelines import settings, snapshot_file
snapshot_file.write_snapshot(settings.load(), Path({0!r}))
"""
WORLD = """
from pathlib import Path
from sandbox.world import ensure
ensure(Path({0!r}), "sqlite:///{0}/catalog.sqlite", seed=1, tracks=300).close()
"""
DURABLE = """
from pathlib import Path
from sources.durable import write_whole
write_whole(Path({0!r}), bytes(2_000_000))
"""
INGEST = """
import sys
from pathlib import Path
from pipelines.cli import main
sys.exit(main(["ingest", "curation"], Path()))
"""


def limited(code: str, size: int, environment: Environment) -> subprocess.CompletedProcess[str]:
    """Python code in a process that cannot write a file of more bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED.format(size) + code],
        env=environment.variables | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_the_analysts_file_is_the_old_one_or_a_whole_new_one(copied: Environment, size: int) -> None:
    file = copied.data_dir / "snapshot" / "lakehouse.duckdb"
    before = file.read_bytes()
    code = SNAPSHOT.format(str(copied.data_dir / "build" / "lakehouse.duckdb"))
    answer = limited(code, size, copied)
    assert len(before) > size
    assert answer.returncode == 1, answer.stderr
    assert file.read_bytes() == before


def test_a_file_that_finds_no_space_leaves_the_old_one_and_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_text("old")
    answer = limited(DURABLE.format(str(file)), 1_000_000, Environment(tmp_path / "data"))
    assert "File too large" in answer.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"journal.jsonl": b"old"}


@pytest.mark.parametrize("size", [50_000, 400_000])
def test_a_world_is_whole_or_not_there(tmp_path: Path, size: int) -> None:
    environment = Environment(tmp_path)
    code = WORLD.format(str(tmp_path / "sandbox"))
    assert limited(code, size, environment).returncode == 1
    answer = subprocess.run(
        [sys.executable, "-c", code], env=SURROUNDINGS | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("size", [pytest.param(1000, marks=pytest.mark.long), 1_000_000])
def test_a_run_on_a_full_disk_says_so_in_one_paragraph_and_goes_on_when_there_is_space(
    tmp_path: Path, size: int
) -> None:
    environment = Environment(tmp_path, {"SANDBOX__TRACKS": "300"})
    answer = limited(INGEST, size, environment)
    assert answer.returncode == 1
    assert "The disk is full" in answer.stderr
    assert "LAKEHOUSE__DATA_DIR" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert environment.run("ingest").returncode == 0
