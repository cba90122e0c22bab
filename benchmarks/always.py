"""`--every 1m` for hours, with new plays in the inbox now and then: memory, open files, threads, and what it leaves.

What goes on for years must not grow with the number of its ticks. Each line tells the process as it was when the line's
minutes were over, and how many runs had found something new by then; the lake may grow by what is new alone.

Data flow: an environment after its first run -> `run.py --every 1m` and files for its inbox -> /proc -> a table.
Run: python benchmarks/always.py [--minutes 150] [--arrive 10] [--plays 12] [--keep]
"""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from listened import tracks_of, write_some
from measured import ROOT, command, options, process, report

LINES = 10
PER_DAY = 40
STOP_S = 120


@dataclass(frozen=True)
class Look:
    """The process and its folders at one moment: minutes since the start, MB and counts."""

    minutes: float
    ticks: int
    published: int
    memory: float
    files: int
    threads: int
    lake_files: int
    lake: float
    data: float

    def line(self) -> str:
        told = (
            f"{self.minutes:.0f} | {self.ticks} | {self.published} | {self.memory:.0f} | {self.files} | {self.threads}"
        )
        return f"| {told} | {self.lake_files} | {self.lake:.1f} | {self.data:.0f} |"


def looked(pid: int, data: Path, started: float) -> Look:
    """One look at the process and its folders."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    log = "".join(path.read_text() for path in (data / "logs").glob("lakehouse.log*"))
    lake_files, lake = sizes(data / "lake")
    return Look(
        (time.monotonic() - started) / 60,
        log.count('"message": "next run in'),
        log.count('"logger": "lakehouse.always", "message": "published"'),
        int(status["VmRSS"].split()[0]) / 1024,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(status["Threads"]),
        lake_files,
        lake,
        sizes(data)[1],
    )


def sizes(folder: Path) -> tuple[int, float]:
    """Files under a folder, and their MB."""
    found = []
    for path in folder.rglob("*"):
        try:
            found += [path.stat().st_size] if path.is_file() else []
        except FileNotFoundError:  # a file of the run in hand
            continue
    return len(found), sum(found) / 2**20


def main() -> None:
    """Starts, feeds, looks, stops, prints."""
    asked = options(__doc__, minutes=150, arrive=10, plays=12)
    with tempfile.TemporaryDirectory(prefix="always_") as temporary:
        data = Path(temporary) / "data"
        env = {**os.environ, "LAKEHOUSE__DATA_DIR": str(data), "XDG_CONFIG_HOME": f"{temporary}/config"}
        process(command(), env)
        with subprocess.Popen(
            command("--every", "1m"), cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            try:
                looks = watched(child.pid, data, asked.minutes, asked.arrive, asked.plays)
            finally:
                child.terminate()
            if child.wait(STOP_S):
                raise SystemExit(f"--every ended with {child.returncode}")
    lines = [
        f"{asked.plays} plays arrive every {asked.arrive} minutes.",
        "",
        "| minutes | ticks | published | memory MB | open files | threads | files of the lake | MB | data folder MB |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(look.line() for look in looks),
    ]
    report("Always", "\n".join(lines), keep=asked.keep)


def watched(pid: int, data: Path, minutes: int, arrive: int, plays: int) -> list[Look]:
    """Feeds the inbox until the time is over, and looks at the process at even intervals."""
    started, looks, arrived = time.monotonic(), [], 0
    with tracks_of(data / "catalog.sqlite") as tracks:
        for number in range(1, LINES + 1):
            while (time.monotonic() - started) / 60 < minutes * number / LINES:
                time.sleep(1)
                if (time.monotonic() - started) / 60 > arrived * arrive + 1:
                    place = data / f"Streaming_History_Audio_{arrived}.json"
                    write_some(tracks, place, PER_DAY, arrived * plays, (arrived + 1) * plays)
                    place.replace(data / "inbox" / place.name)
                    arrived += 1
            looks.append(looked(pid, data, started))
            print(looks[-1].line(), flush=True)
    return looks


if __name__ == "__main__":
    main()
