"""Readers of dashboards on Postgres while gold is published beside them: how long they wait, and whether sums agree.

Four readers ask without a pause, each time in one transaction: the plays of all days, of all hours of the week, of all
weeks and of the ranking of all time, which a generation tells alike, and how long it took until all four were answered.
First while nothing else happens, then through runs that each build and publish a day of new plays.

Data flow: a lifetime of plays -> Postgres -> readers, and `run.py --advance 1d` -> a table.
Run: python benchmarks/load.py [--plays 100000] [--publishes 2] [--keep]
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from listened import write
from measured import ROOT, command, options, process, report

sys.path.insert(0, str(ROOT))
READERS = 4
QUIET_S = 20
ASKED = (
    "select sum(plays)::bigint from gold.daily_listening",
    "select sum(plays)::bigint from gold.listening_clock",
    "select sum(plays)::bigint from gold.weekly_listening",
    "select sum(plays)::bigint from gold.top_artists where period = 'all'",
)


@dataclass
class Seen:
    """What readers saw: seconds of each look, the sums that they were told, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    sums: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


def look(connection: Any) -> set[int]:
    """The sums of one transaction: one number, if all is of one generation."""
    with connection, connection.cursor() as cursor:
        found = set()
        for query in ASKED:
            cursor.execute(query)
            found.add(int(cursor.fetchone()[0]))
        return found


@contextmanager
def reading(url: str) -> Iterator[Seen]:
    """Readers at work until the context ends."""
    import psycopg2

    seen, over = Seen(), threading.Event()

    def read() -> None:
        with closing(psycopg2.connect(url)) as connection:
            while not over.is_set():
                began = time.perf_counter()
                try:
                    found = look(connection)
                except psycopg2.Error as error:
                    seen.faults.append(repr(error))
                    return
                seen.seconds.append(time.perf_counter() - began)
                seen.sums |= found
                if len(found) != 1:
                    seen.faults.append(f"sums of one transaction differ: {found}")

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def line(what: str, seen: Seen) -> str:
    """One row of the table."""
    middle, most = statistics.median(seen.seconds), statistics.quantiles(seen.seconds, n=100)[98]
    told = f"{middle * 1000:.0f} | {most * 1000:.0f} | {max(seen.seconds) * 1000:.0f}"
    return f"| {what} | {len(seen.seconds):,} | {told} | {len(seen.sums)} | {len(seen.faults)} |"


def main() -> None:
    """Fills Postgres, reads, publishes, prints."""
    from sandbox.servers.postgres import serve

    asked = options(__doc__, plays=100_000, publishes=2)
    lines = [
        f"{asked.plays:,} plays, {READERS} readers, {asked.publishes} publishes.",
        "",
        "| while | looks | median ms | 99 % ms | worst ms | generations seen | faults |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory(prefix="load_") as temporary, serve() as server:
        folder, url = Path(temporary), server.fresh()
        env = {
            "LAKEHOUSE__DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "DESTINATION__WAREHOUSE__CREDENTIALS": url,
            "SOURCES__SPOTIFY_API__DAILY_BUDGET": "100000",
        }
        process(command(), env)
        process(command("import", str(write(folder, folder / "data" / "catalog.sqlite", asked.plays))), env)
        with reading(url) as quiet:
            time.sleep(QUIET_S)
        lines.append(line("nothing happens", quiet))
        with reading(url) as busy:
            runs = [process(command("--advance", "1d"), env) for _ in range(asked.publishes)]
        lines.append(line(f"runs build and publish ({max(run.wall for run in runs):.0f} s the longest)", busy))
    faults = [*quiet.faults[:5], *busy.faults[:5]]
    report("Load", "\n".join([*lines, "", *faults]).rstrip(), keep=asked.keep)


if __name__ == "__main__":
    main()
