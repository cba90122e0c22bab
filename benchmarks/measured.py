"""What the benchmarks share: a process measured from outside, a table with ratios, a place for results, a picture.

A candidate is a whole process: its wall seconds include the interpreter and the imports, its CPU seconds and its peak
memory are the operating system's own account of it and its children. Candidates of one table run in turn, round by
round, so that a machine that gets busy slows all of them; ratios are of the best round of each.

Data flow: commands -> processes -> Run -> table on stdout, and in RESULTS.md with --keep
"""

import argparse
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "RESULTS.md"
ENGINES = ("dlt", "duckdb", "dbt-core", "pyarrow", "connectorx", "polars", "sqlalchemy")
COLORS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass(frozen=True)
class Run:
    """One measured process.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of user and system, of the process and its children.
        memory: Peak in MB of the largest process.
        rows: Rows that it moved; 0 where that means nothing.
    """

    wall: float
    cpu: float
    memory: float
    rows: int = 0


def process(command: Sequence[str], env: Mapping[str, str] | None = None, rows: int = 0) -> Run:
    """Runs a command to its end and measures it.

    Raises:
        SystemExit: It failed; what it said last is in the message.
    """
    surroundings = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "PYTHONPATH": str(ROOT), **(env or {})}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    with subprocess.Popen(
        list(command), env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        said = child.stderr.read() if child.stderr else ""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {said[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, rows)


def in_turn(candidates: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, Run]:
    """Measures all candidates round by round; the best wall, CPU and memory of each."""
    found: dict[str, list[Run]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measure in candidates.items():
            found[name].append(measure())
    return {name: best(runs) for name, runs in found.items()}


def best(runs: Sequence[Run]) -> Run:
    """The quickest run, with the least CPU and the highest memory of all."""
    quickest = min(runs, key=lambda run: run.wall)
    return replace(quickest, cpu=min(run.cpu for run in runs), memory=max(run.memory for run in runs))


def table(runs: Mapping[str, Run], base: str) -> str:
    """A Markdown table of runs with their ratios to one of them."""
    lines = ["| candidate | wall s | ratio | CPU s | ratio | peak MB | rows/s |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name, run in runs.items():
        ratios = run.wall / runs[base].wall, run.cpu / runs[base].cpu
        speed = f"{run.rows / run.wall:,.0f}" if run.rows else ""
        times = f"{run.wall:.2f} | {ratios[0]:.2f} | {run.cpu:.2f} | {ratios[1]:.2f}"
        lines.append(f"| {name} | {times} | {run.memory:.0f} | {speed} |")
    return "\n".join(lines)


def options(description: str | None, **arguments: int) -> argparse.Namespace:
    """Arguments of a benchmark: its numbers by name, and --keep."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    for name, default in arguments.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default:,}")
    parser.add_argument("--keep", action="store_true", help="append the results to RESULTS.md")
    return parser.parse_args()


def report(title: str, text: str, *, keep: bool) -> None:
    """Prints results, and keeps them with the machine and the versions."""
    print(f"{title}\n\n{text}\n")
    if keep:
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(f"\n### {title}\n{at}, {machine()}.\n\n{text}\n")


def machine() -> str:
    """This machine and the versions of what does the work, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    engines = ", ".join(f"{name} {found}" for name in ENGINES if (found := _version(name)))
    return f"{os.cpu_count()} cores, {memory:.0f} GB, load {load:.1f}, Python {platform.python_version()}; {engines}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def draw(place: Path, title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """A growth picture: points over size on two logarithmic axes, one colour a series.

    Args:
        place: The SVG file.
        title: What grows with what.
        unit: Of the vertical axis.
        series: Size and figure by name.
    """
    points = [point for found in series.values() for point in found]
    xs, ys = ([math.log10(point[axis]) for point in points] for axis in (0, 1))
    low, high = (math.floor(min(xs)), math.floor(min(ys))), (math.ceil(max(xs)), math.ceil(max(ys)))

    def at(point: tuple[float, float]) -> tuple[float, float]:
        shares = [(math.log10(point[axis]) - low[axis]) / max(high[axis] - low[axis], 1) for axis in (0, 1)]
        return 70 + 400 * shares[0], 300 - 240 * shares[1]

    parts = [_text(20, 24, title, 15), _text(20, 46, unit, 11)]
    for power in range(low[0], high[0] + 1):
        x, y = at((10.0**power, 10.0 ** low[1]))
        parts += [_line([(x, y), (x, 60)], "#d0d7de"), _text(x - 12, y + 18, f"{10**power:,.0f}", 11)]
    for power in range(low[1], high[1] + 1):
        x, y = at((10.0 ** low[0], 10.0**power))
        parts += [_line([(x, y), (470, y)], "#d0d7de"), _text(20, y + 4, f"{10.0**power:,g}", 11)]
    for number, (name, found) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        parts += [_line([at(point) for point in found], color, 2), _text(490, 80 + 20 * number, name, 12, color)]
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{color}"/>' for x, y in map(at, found)]
    body = "\n".join(parts)
    frame = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 330" font-family="sans-serif">'
    place.write_text(f'{frame}\n<rect width="760" height="330" fill="white"/>\n{body}\n</svg>\n', encoding="utf-8")


def _line(points: Sequence[tuple[float, float]], color: str, width: int = 1) -> str:
    places = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, size: int, color: str = "#24292f") -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}">{escaped}</text>'


def command(*arguments: str) -> list[str]:
    """The project's command line with this interpreter."""
    return [sys.executable, str(ROOT / "pipelines" / "run.py"), *arguments]
