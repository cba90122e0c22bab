"""A lifetime of plays from JSON to parquet: the import beside a bare DuckDB copy of the same files, in one run.

Each candidate runs in a process of its own, so that its seconds (imports included), CPU seconds and peak memory are
its alone; the inner seconds leave out the interpreter and the imports. A large import is read by several processes:
their CPU seconds are added, and as peak memory as many times that of the largest as there may be. The import does
what the bare copy does not: it inflates the zip or reads the folder twice (hash, rows), checks every row, drops
personal fields, and writes a dlt load package.

Data flow: generated rows -> JSON files and a zip -> parquet, by each candidate -> a table on stdout.
Run: python benchmarks/history_import.py [--rows 430000] [--rounds 3]
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from measured import ROOT, report

PER_FILE = 16_000
LIFETIME = 12 * 365 * 86_400  # whatever the number of rows: times of the next century are no listening history
LETTERS = "abcdefghijklmnopqrstuvwxyz éüñß中日"
NULLS = dict.fromkeys(
    (
        "episode_name",
        "episode_show_name",
        "spotify_episode_uri",
        "audiobook_title",
        "audiobook_uri",
        "audiobook_chapter_uri",
        "audiobook_chapter_title",
    )
)


@dataclass(frozen=True)
class Measured:
    """One run of one candidate: wall seconds of the process and of the work alone, CPU seconds, peak memory in MB."""

    wall: float
    inner: float
    cpu: float
    memory: float
    rows: int


def rows(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Streams of a listener with 20,000 tracks, in the shape of the newest exports."""
    draw = random.Random(seed)  # noqa: S311 - no secret is made here
    names = ["".join(draw.choices(LETTERS, k=draw.randint(5, 30))) for _ in range(20_000)]
    at = datetime(2012, 1, 1, tzinfo=UTC)
    longest = min(1600, LIFETIME // max(count, 1) * 2)
    for _ in range(count):
        at += timedelta(seconds=draw.randint(20, longest))
        track = int(20_000 * draw.random() ** 3)
        yield {
            "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "platform": draw.choice(("ios", "android", "Android OS 11 API 30 (samsung, SM-G975F)", "windows")),
            "ms_played": draw.randint(0, 300_000),
            "conn_country": "DE",
            "ip_addr": f"203.0.113.{draw.randint(0, 255)}",
            "master_metadata_track_name": names[track],
            "master_metadata_album_artist_name": names[track // 20],
            "master_metadata_album_album_name": names[track // 8],
            "spotify_track_uri": f"spotify:track:{track:022d}",
            **NULLS,
            "reason_start": draw.choice(("trackdone", "clickrow", "fwdbtn")),
            "reason_end": draw.choice(("trackdone", "fwdbtn", "endplay")),
            "shuffle": draw.random() < 0.5,
            "skipped": draw.random() < 0.3,
            "offline": False,
            "offline_timestamp": int(at.timestamp()),
            "incognito_mode": False,
        }


def write(folder: Path, count: int) -> int:
    """Writes the export as files and as a zip; returns the bytes of the files."""
    files = folder / "files"
    files.mkdir()
    source = rows(count)
    with zipfile.ZipFile(folder / "my_spotify_data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(-(-count // PER_FILE)):
            held = list(islice(source, PER_FILE))
            path = files / f"Streaming_History_Audio_2012-2024_{number}.json"
            path.write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
            archive.write(path, f"Spotify Extended Streaming History/{path.name}")
    return sum(path.stat().st_size for path in files.iterdir())


def bare(folder: Path, output: Path) -> int:
    """DuckDB alone: JSON to parquet, types guessed, nothing checked."""
    import duckdb

    target, source = str(output / "bare.parquet"), str(folder / "files" / "*.json")
    return int(duckdb.execute(f"copy (from read_json('{source}')) to '{target}' (format parquet)").fetchall()[0][0])


def imported(paths: list[Path], output: Path) -> int:
    """Our import into an empty lake."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true"}
    import dlt

    from sources.spotify_export.load import import_paths

    pipeline = dlt.pipeline(
        "spotify_export",
        destination=dlt.destinations.filesystem((output / "lake").as_uri()),
        dataset_name="spotify_export",
        pipelines_dir=str(output / "pipelines"),
    )
    return import_paths(lambda: pipeline, paths).counts.rows


def candidate(name: str, folder: Path, output: Path) -> int:
    if name == "bare DuckDB":
        return bare(folder, output)
    return imported([folder / ("my_spotify_data.zip" if name.endswith("zip") else "files")], output)


CANDIDATES = ("bare DuckDB", "import of the folder", "import of the zip")


def child(name: str, folder: Path, output: Path) -> None:
    """Runs one candidate in this process and prints what it used."""
    sys.path.insert(0, str(ROOT))
    __import__("duckdb" if name.startswith("bare") else "dlt")
    started = time.perf_counter()
    count = candidate(name, folder, output)
    inner = time.perf_counter() - started
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, others))
    memory = own.ru_maxrss + others.ru_maxrss * readers()
    print(json.dumps([inner, cpu, memory / 1024, count]))


def readers() -> int:
    """How many processes a large import is read by."""
    from sources.spotify_export.plan import cores
    from sources.spotify_export.readers import MOST

    return min(cores(), MOST)


def measure(name: str, folder: Path) -> Measured:
    output = Path(tempfile.mkdtemp(dir=folder))
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", name, str(folder), str(output)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=output)
    wall = time.perf_counter() - started
    shutil.rmtree(output)
    inner, cpu, memory, count = json.loads(done.stdout.splitlines()[-1])
    return Measured(wall, inner, cpu, memory, count)


def table(results: dict[str, list[Measured]], count: int, size: int) -> str:
    best = {name: min(runs, key=lambda run: run.wall) for name, runs in results.items()}
    base = best[CANDIDATES[0]]
    lines = [
        f"{count:,} rows, {size / 1e6:,.0f} MB of JSON; best of {len(results[CANDIDATES[0]])} rounds",
        f"{'candidate':22}{'wall s':>8}{'ratio':>7}{'inner s':>9}{'ratio':>7}{'cpu s':>7}{'ratio':>7}"
        f"{'peak MB':>9}{'rows/s':>10}",
    ]
    for name, run in best.items():
        ratios = run.wall / base.wall, run.inner / base.inner, run.cpu / base.cpu
        times = f"{run.wall:8.2f}{ratios[0]:7.2f}{run.inner:9.2f}{ratios[1]:7.2f}{run.cpu:7.2f}{ratios[2]:7.2f}"
        lines.append(f"{name:22}{times}{run.memory:9.0f}{count / run.wall:10,.0f}")
    return "\n".join(lines)


def main() -> None:
    """Generates, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=430_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="append the results to RESULTS.md")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], Path(options.child[1]), Path(options.child[2]))
        return
    with tempfile.TemporaryDirectory(prefix="history_import_") as temporary:
        folder = Path(temporary)
        size = write(folder, options.rows)
        results: dict[str, list[Measured]] = {name: [] for name in CANDIDATES}
        for _ in range(options.rounds):
            for name in CANDIDATES:
                results[name].append(measure(name, folder))
        if any(run.rows != options.rows for runs in results.values() for run in runs):
            raise SystemExit(f"a candidate lost rows: {results}")
        report("History import", f"```\n{table(results, options.rows, size)}\n```", keep=options.keep)


if __name__ == "__main__":
    main()
