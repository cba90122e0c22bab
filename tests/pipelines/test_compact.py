"""Compaction beside bronze: readers see the same rows at any moment, a kill costs nothing, bronze is untouched."""

import shutil
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.bronze import create_bronze, declared_tables
from pipelines.lake import take_snapshot
from pipelines.merged import FOLDER, LIST
from pipelines.store import Folder
from tests.environment import Environment

VIEWS = ("spotify_api__plays", "spotify_api__polls", "catalog__spotify_tracks")


def add_packages(lake: Path, first: int, count: int) -> None:
    """Load packages of one small file per table, as a poll leaves them."""
    with duckdb.connect() as connection:
        for number in range(first, first + count):
            load = f"17953{number:05}.25"
            for view in VIEWS:
                source, _, table = view.partition("__")
                columns = declared_tables()[view].columns
                values = ", ".join(
                    f"cast({'now()' if 'TIME' in kind else number} as {kind}) as {name}"
                    for name, kind in columns.items()
                )
                folder = lake / source / table
                folder.mkdir(parents=True, exist_ok=True)
                connection.execute(
                    f"copy (select {values}, '{load}' as _dlt_load_id from range(3)) to '{folder}/{load}.ab.parquet'"
                )
                entry = lake / source / "_dlt_loads" / f"{source}__{load}.jsonl"
                entry.parent.mkdir(exist_ok=True)
                entry.write_text("{}")


def rows(lake: Path) -> dict[str, tuple[object, ...]]:
    """What a reader finds now: count and checksum of each view."""
    snapshot, tables = take_snapshot(Folder(lake)), declared_tables()
    with duckdb.connect() as connection:
        create_bronze(connection, snapshot, {view: tables[view] for view in VIEWS})
        query = "select count(*), sum(hash(r)::hugeint), count(distinct _dlt_load_id) from bronze.{} as r"
        return {view: connection.execute(query.format(view)).fetchone() or () for view in VIEWS}


def opened(lake: Path) -> list[int]:
    """How many files a reader opens for each view."""
    return [len(take_snapshot(Folder(lake)).paths(view)) for view in VIEWS]


def bronze(lake: Path) -> dict[str, tuple[int, int]]:
    """Every file of bronze with its size and time."""
    files = [*lake.rglob("[!_]*/[!_]*/*.parquet"), *lake.rglob("*.jsonl")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    lake = tmp_path / "data" / "lake"
    add_packages(lake, 0, 20)
    return lake


def test_compacted_tables_say_the_same_from_one_file_and_bronze_is_untouched(lake: Path) -> None:
    before, files, environment = rows(lake), bronze(lake), Environment(lake.parent)
    digest = take_snapshot(Folder(lake)).digest
    answer = environment.run("compact")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (rows(lake), bronze(lake), opened(lake)) == (before, files, [1, 1, 1])
    assert take_snapshot(Folder(lake)).digest == digest  # nothing is new: nothing is built
    assert "nothing to compact" in environment.run("compact").stdout


def test_packages_that_come_later_are_read_beside_the_compacted_file_and_merged_next_time(lake: Path) -> None:
    environment = Environment(lake.parent)
    environment.run("compact")
    add_packages(lake, 20, 5)
    before = rows(lake)
    assert before[VIEWS[0]][0] == 3 * 25
    assert opened(lake) == [6, 6, 6]
    environment.run("compact")
    assert (rows(lake), opened(lake)) == (before, [1, 1, 1])


def test_a_package_that_is_committed_late_sends_readers_back_to_bronze(lake: Path) -> None:
    Environment(lake.parent).run("compact")
    late = lake / "spotify_api" / "plays" / "1795300010.26.ab.parquet"
    shutil.copy(lake / "spotify_api" / "plays" / "1795300010.25.ab.parquet", late)
    (lake / "spotify_api" / "_dlt_loads" / "spotify_api__1795300010.26.jsonl").write_text("{}")
    assert rows(lake)[VIEWS[0]][0] == 3 * 21
    assert opened(lake) == [21, 1, 1]


@pytest.mark.parametrize(
    "spoil", [shutil.rmtree, lambda folder: [path.write_bytes(b"") for path in folder.glob("*.parquet")]]
)
def test_a_deleted_or_torn_cache_costs_time_alone(lake: Path, spoil: object) -> None:
    before = rows(lake)
    Environment(lake.parent).run("compact")
    spoil(lake / FOLDER)  # type: ignore[operator]
    assert (rows(lake), opened(lake)) == (before, [20, 20, 20])
    Environment(lake.parent).run("compact")
    assert (rows(lake), opened(lake)) == (before, [1, 1, 1])


def test_tables_whose_files_disagree_on_a_type_are_left_alone(lake: Path) -> None:
    path = lake / "spotify_api" / "plays" / "1795300010.25.ab.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table odd as select * replace (7 as track_id) from '{path}'")
        connection.execute(f"copy odd to '{path}'")
    before = rows(lake)
    answer = Environment(lake.parent).run("compact")
    assert "track_id" in answer.stderr
    assert (rows(lake), opened(lake)) == (before, [20, 1, 1])


def test_a_reader_sees_the_same_rows_at_every_moment_of_a_compaction_and_of_its_kills(lake: Path) -> None:
    before, files, environment = rows(lake), bronze(lake), Environment(lake.parent)
    seen: set[int] = set()
    for moment in range(5):  # merged files that are there when the process dies; the last one is left to end
        shutil.rmtree(lake / FOLDER, ignore_errors=True)
        process = environment.start("compact")
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            assert rows(lake) == before
            if moment < 4 and _there(lake) >= moment:
                process.kill()
        process.communicate()
        seen.add(process.returncode)
        assert (rows(lake), bronze(lake)) == (before, files)
        assert opened(lake) in ([20, 20, 20], [1, 1, 1])  # all of it or nothing
    assert seen == {0, -9}
    add_packages(lake, 20, 2)
    environment.run("compact")
    add_packages(lake, 22, 2)
    environment.run("compact")
    kept = {path.name for path in (lake / FOLDER).iterdir()}
    assert len(kept) == 1 + 3 + 3  # the list, what it names, and what an open reader may still use
    assert Path(LIST).name in kept


def _there(lake: Path) -> int:
    folder = lake / FOLDER
    return sum(1 for path in folder.iterdir() if path.suffix == ".parquet") if folder.exists() else 0
