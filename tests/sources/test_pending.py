"""A clock that was wrong and set right again: what is loaded later stays the newest."""

import subprocess
import sys
from pathlib import Path

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.destinations import filesystem

from sources.pending import finish
from tests.environment import SURROUNDINGS

YEAR = 365 * 24 * 3600
LOAD = """
import sys, time
true_time, ahead = time.time, float(sys.argv[3])
time.time = lambda: true_time() + ahead
from pathlib import Path
from tests.sources.test_pending import load
load(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4])
"""


def pipeline_of(machine: Path, lake: Path) -> dlt.Pipeline:
    return dlt.pipeline(
        "said", destination=filesystem(bucket_url=lake.as_uri()), dataset_name="said", pipelines_dir=str(machine)
    )


def load(machine: Path, lake: Path, word: str) -> None:
    @dlt.resource(name="words")
    def words():
        dlt.current.source_state()["word"] = word
        yield pa.table({"word": [word]})

    pipeline = pipeline_of(machine, lake)
    finish(pipeline)
    pipeline.run(words(), loader_file_format="parquet").raise_on_failed_jobs()


def load_elsewhere(machine: Path, lake: Path, word: str, ahead: float) -> None:
    arguments = [sys.executable, "-c", LOAD, str(machine), str(lake), str(ahead), word]
    root = Path(__file__).parents[2]
    environment = SURROUNDINGS | {"NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true"}
    subprocess.run(arguments, check=True, env=environment, cwd=root)


@pytest.mark.parametrize("machine_is_lost", [False, True])
def test_what_is_loaded_after_a_clock_was_set_back_is_the_newest(tmp_path, machine_is_lost):
    lake, there, here = tmp_path / "lake", tmp_path / "there", tmp_path / "here"
    load_elsewhere(there, lake, "loaded in a year that has not come", YEAR)
    load_elsewhere(here if machine_is_lost else there, lake, "loaded later", 0)

    newcomer = pipeline_of(tmp_path / "new", lake)
    finish(newcomer)
    assert newcomer.state["sources"]["said"]["word"] == "loaded later"
    rows = [row for file in (lake / "said" / "words").glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    newest = max(rows, key=lambda row: float(row["_dlt_load_id"]))
    assert newest["word"] == "loaded later"
