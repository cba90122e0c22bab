"""An import that is killed anywhere, run again, ends with every row once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sources.spotify_export import readers
from tests.environment import SURROUNDINGS

from .conftest import Lake
from .vintages import dump, several, stream, zipped

ROOT = Path(__file__).parents[3]
FILES = 4
ROWS = 300

PROGRAM = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import dlt
from tests.sources.spotify_export.conftest import Lake

point, root, source = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(owner, name):
    real = getattr(owner, name)
    def wrapped(*args, **kwargs):
        real(*args, **kwargs)
        die()
    setattr(owner, name, wrapped)

import dlt.destinations.impl.filesystem.filesystem as filesystem
import sources.spotify_export.read as export
from dlt.pipeline.pipeline import Pipeline

if point == "while reading":
    calls = []
    real = export.read
    def read(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            die()
        return (yield from real(*args, **kwargs))
    export.read = read
elif point == "after extract":
    die_after(Pipeline, "extract")
elif point == "after normalize":
    die_after(Pipeline, "normalize")
elif point == "while loading":
    real_run = filesystem.FilesystemLoadJob.run
    filesystem.FilesystemLoadJob.run = lambda self: die() if "streams" in self._file_name else real_run(self)
elif point == "before the package is complete":
    filesystem.FilesystemClient.complete_load = die
elif point == "after the package is complete":
    die_after(filesystem.FilesystemClient, "complete_load")
Lake(root).take(source, known=())
"""

POINTS = (
    "while reading",
    "after extract",
    "after normalize",
    "while loading",
    "before the package is complete",
    "after the package is complete",
)


def archive(folder: Path) -> Path:
    files = {f"endsong_{at}.json": dump(several(stream, ROWS, at * ROWS)) for at in range(FILES)}
    return zipped(folder / "my_spotify_data.zip", files)


def start(root: Path, source: Path, point: str) -> "subprocess.Popen[bytes]":
    environment = {
        **SURROUNDINGS,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    }
    command = [sys.executable, "-c", PROGRAM.format(root=str(ROOT)), point, str(root), str(source)]
    return subprocess.Popen(command, env=environment, cwd=root, stderr=subprocess.PIPE)


def is_whole(lake: Lake, earlier: int = 0) -> bool:
    rows = lake.rows("streams", "file_id, row_number, ts")
    files = lake.rows("files", "file_id, row_count")
    return (
        len(rows) == len(set(rows)) == FILES * ROWS + earlier
        and len(files) == len(set(files))
        and sum(count for _, count in files) == len(rows)
    )


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again_gives_every_row_once(point: str, lake: Lake, tmp_path: Path):
    source = archive(tmp_path)
    process = start(tmp_path, source, point)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, errors.decode()
    lake.take(source, known=())
    assert is_whole(lake)
    again = lake.take(source)
    assert again.load_ids == ()
    assert is_whole(lake)


@pytest.mark.parametrize("moment", [0.9, 1.2, 1.6])
def test_killed_at_a_random_moment_and_run_again_gives_every_row_once(moment: float, lake: Lake, tmp_path: Path):
    source = archive(tmp_path)
    process = start(tmp_path, source, "at no point")
    time.sleep(moment)
    process.kill()
    process.communicate(timeout=60)
    lake.take(source, known=())
    assert is_whole(lake)


def test_a_file_of_a_pending_package_is_not_loaded_twice_even_if_the_lake_does_not_know_it(lake: Lake, tmp_path: Path):
    source = archive(tmp_path)
    first = zipped(tmp_path / "first.zip", {"endsong_0.json": dump(several(stream, 10, 90_000))})
    lake.take(first)
    process = start(tmp_path, source, "after extract")
    process.communicate(timeout=120)
    assert len(lake.rows("streams")) == 10
    report = lake.take(source, known=())
    assert all(each.is_known for each in report.files)
    assert is_whole(lake, 10)


def test_an_interruption_stays_one(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    source = archive(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(readers, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lake.take(source)
    lake.take(source)
    assert is_whole(lake)


def test_a_lake_that_was_thrown_away_is_filled_again(lake: Lake, tmp_path: Path):
    import shutil

    source = archive(tmp_path)
    lake.take(source)
    shutil.rmtree(tmp_path / "lake")
    lake.take(source)
    assert is_whole(lake)
