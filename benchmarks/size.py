"""The whole flow on 1x, 10x, 100x of plays: seconds, memory and disk, drawn as growth.

Each size is an environment of its own on embedded defaults. One run imports a history of that many plays and builds,
audits and publishes all of it; when every track is known, another one with the plays of a day.

Data flow: catalog -> a lifetime of plays -> `run.py import` -> `run.py --advance 1d` -> a table and size.svg.
Run: python benchmarks/size.py [--least 10000] [--steps 3] [--keep]
"""

import shutil
import tempfile
from pathlib import Path

from listened import write
from measured import Run, command, draw, options, process, report

PICTURE = Path(__file__).parent / "size.svg"


def measure(folder: Path, plays: int) -> tuple[Run, Run, float]:
    """The run that imports so many plays, a run after it with a few new ones, and the MB on disk."""
    folder.mkdir()
    # every track is looked up at once, as it is some weeks after an import
    env = {
        "LAKEHOUSE__DATA_DIR": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SOURCES__SPOTIFY_API__DAILY_BUDGET": "100000",
    }
    process(command(), env)
    export = write(folder, folder / "data" / "catalog.sqlite", plays)
    first = process(command("import", str(export)), env, plays)
    shutil.rmtree(export)
    process(command("--advance", "1d"), env)
    later = process(command("--advance", "1d"), env)
    used = sum(path.stat().st_blocks * 512 for path in (folder / "data").rglob("*") if path.is_file())
    return first, later, used / 1e6


def main() -> None:
    """Measures each size, prints and draws."""
    asked = options(__doc__, least=10_000, steps=3)
    lines = [
        "| plays | import and build s | CPU s | peak MB | disk MB | a day of new plays s | CPU s |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    names = ("import and build, CPU s", "a day of new plays, CPU s", "peak memory, MB")
    series: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="size_") as temporary:
        for plays in (asked.least * 10**power for power in range(asked.steps)):
            first, later, disk = measure(Path(temporary) / str(plays), plays)
            told = (plays, first.wall, first.cpu, first.memory, disk, later.wall, later.cpu)
            lines.append("| " + " | ".join(f"{figure:,.0f}" for figure in told) + " |")
            for name, figure in zip(series, (first.cpu, later.cpu, first.memory), strict=True):
                series[name].append((plays, figure))
    report("Size", "\n".join(lines), keep=asked.keep)
    if asked.keep:
        draw(PICTURE, "The whole flow by number of plays", "seconds or MB", series)


if __name__ == "__main__":
    main()
