"""A year of polls and daily catalog deltas, read as it lies, as the flow leaves it, and freshly compacted.

A year is written as load packages are: per package one small file for each table that it brings. `as the flow leaves
it` is compacted up to the last packages, fewer than start the flow's own compaction. Reading means: take the snapshot,
make the views, and compute what silver computes of them: the newest row per key, summed over all columns.

Data flow: synthetic packages -> three lakes -> one process each -> a table.
Run: python benchmarks/small_files.py [--packages 5840] [--s3 1] [--keep]
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measured import ROOT, Run, command, in_turn, options, process, report, table

sys.path.insert(0, str(ROOT))
START = datetime(2025, 1, 1, tzinfo=UTC)
DELTA, UNCOVERED = 200, 60
LAKES = {"freshly compacted": "fresh", "as the flow leaves it": "flow", "every file": "raw"}
READ = """
from pipelines import bronze, lake_reader
from pipelines.lake import take_snapshot
from pipelines.settings import load
from pipelines.store import open_store
import duckdb
lake = load().lake
snapshot, tables = take_snapshot(open_store(lake)), bronze.declared_tables()
with duckdb.connect() as connection:
    connection.execute("set timezone = 'UTC'")
    lake_reader.open_lake(connection, lake)
    bronze.create_bronze(connection, snapshot, {view: tables[view] for view in snapshot.files})
    for view in snapshot.files:
        key = ", ".join(tables[view].key)
        newest = f"from bronze.{view} qualify row_number() over (partition by {key} order by _dlt_load_id desc) = 1"
        connection.execute(f"select count(*), sum(hash(t)::hugeint) from ({newest}) as t").fetchall()
"""
Rows = list[dict[str, Any]]


def packages(count: int) -> Iterator[tuple[str, str, dict[str, Rows]]]:
    """Source, load id and rows by table: a poll with new plays every so often, a catalog delta a day."""
    step, day = timedelta(days=365) / count, -1
    for number in range(count):
        at = START + number * step
        yield "spotify_api", f"{at.timestamp():.2f}", {"plays": _plays(number, at), "polls": _polls(number, at)}
        if (at - START).days != day:
            day = (at - START).days
            delta = {"spotify_tracks": _delta(day, at), "extracts": [_extract(at)]}
            yield "catalog", f"{at.timestamp() + 1:.2f}", delta


def _plays(number: int, at: datetime) -> Rows:
    page = {"poll_id": f"p{number}", "offered_at": at, "payload": '{"track": {"name": "' + "x" * 900 + '"}}'}
    tracks = ((turn, f"{number + turn:022d}") for turn in range(4))
    return [
        {**page, "played_at": at - turn * timedelta(minutes=4), "track_id": key, "track_uri": f"spotify:track:{key}"}
        for turn, key in tracks
    ]


def _polls(number: int, at: datetime) -> Rows:
    page = {"status": 200, "item_count": 50, "digest": "d" * 64, "item_keys": "[" + "k" * 2500 + "]"}
    polled = (at + turn * timedelta(minutes=15) for turn in range(6))
    return [{"poll_id": f"p{number}.{turn}", "polled_at": moment, **page} for turn, moment in enumerate(polled)]


def _delta(day: int, at: datetime) -> Rows:
    keys = (f"{(day * 37 + row) % 3000:022d}" for row in range(DELTA))
    return [{"track_id": key, "name": f"name {day}", "updated_at": at} for key in keys]


def _extract(at: datetime) -> dict[str, Any]:
    told = {"table_name": "spotify_tracks", "strategy": "watermark", "row_count": DELTA}
    return {**told, "is_complete": True, "extracted_at": at}


def write(lake: Path, count: int) -> None:
    """Writes the packages of a year in dlt's layout."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.bronze import declared_tables

    tables = declared_tables()
    for source, load, brought in packages(count):
        for name, rows in brought.items():
            schema = tables[f"{source}__{name}"].arrow_schema
            columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}
            path = lake / source / name / f"{load}.0a.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({**columns, "_dlt_load_id": pa.array([load] * len(rows))}), path)
        entry = lake / source / "_dlt_loads" / f"{source}__{load}.jsonl"
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_text("{}")


def move(lake: Path, markers: Iterable[Path], away: Path) -> None:
    """Moves the entries of load packages, which hides the packages or shows them again."""
    for marker in markers:
        target = away / marker.relative_to(lake)
        target.parent.mkdir(parents=True, exist_ok=True)
        marker.replace(target)


def prepare(folder: Path, count: int) -> Run:
    """Makes the three lakes; what compacting a whole year costs."""
    write(folder / "raw" / "lake", count)
    shutil.copytree(folder / "raw", folder / "flow")
    shutil.copytree(folder / "raw", folder / "fresh")
    flow, hidden = folder / "flow" / "lake", folder / "hidden"
    move(flow, sorted((flow / "spotify_api" / "_dlt_loads").iterdir())[-UNCOVERED:], hidden)
    process(command("compact"), _env(folder / "flow"))
    move(hidden, list(hidden.rglob("*.jsonl")), flow)
    return process(command("compact"), _env(folder / "fresh"))


def on_s3(folder: Path, rounds: int) -> dict[str, Run]:
    """The same three lakes on an S3 server of this machine."""
    from sandbox.servers.seaweedfs import serve

    with serve() as server:
        client, places = server.client(), {}
        for place in LAKES.values():
            bucket, lake = server.fresh(), folder / place / "lake"
            name = bucket.bucket_url.removeprefix("s3://").split("/")[0]

            def put(path: Path, name: str = name, lake: Path = lake) -> None:
                client.put_object(Bucket=name, Key=str(path.relative_to(lake)), Body=path.read_bytes())

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(put, (path for path in lake.rglob("*") if path.is_file() and path.name != ".lock")))
            places[place] = {**_env(folder / f"s3-{place}"), **bucket.environment}
        return read(places, rounds)


def read(places: dict[str, dict[str, str]], rounds: int) -> dict[str, Run]:
    """Reads the three lakes in turn, each time by a new process."""

    def reader(env: dict[str, str]) -> Callable[[], Run]:
        return lambda: process([sys.executable, "-c", READ], env)

    return in_turn({name: reader(places[place]) for name, place in LAKES.items()}, rounds)


def _env(data_dir: Path) -> dict[str, str]:
    return {"LAKEHOUSE__DATA_DIR": str(data_dir)}


def main() -> None:
    """Writes, compacts, reads, prints."""
    asked = options(__doc__, packages=5840, rounds=3, s3=0)
    with tempfile.TemporaryDirectory(prefix="small_files_") as temporary, contextlib.chdir(ROOT):
        folder = Path(temporary)
        once = prepare(folder, asked.packages)
        runs = read({place: _env(folder / place) for place in LAKES.values()}, asked.rounds)
        files = sum(1 for _ in (folder / "raw").rglob("*.parquet"))
        told = f"{asked.packages:,} polls with new plays and 365 deltas: {files:,} files."
        note = f"The whole year compacted at once: {once.wall:.1f} s, {once.cpu:.1f} s CPU, {once.memory:.0f} MB."
        text = f"{told}\n\n{table(runs, 'freshly compacted')}\n\n{note}"
        report("Many small files, local", text, keep=asked.keep)
        if asked.s3:
            runs = on_s3(folder, asked.rounds)
            report("Many small files, S3", f"{told}\n\n{table(runs, 'freshly compacted')}", keep=asked.keep)


if __name__ == "__main__":
    main()
