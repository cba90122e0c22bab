"""A run with nothing new, beside the bare import of dlt; and a tick of `--every` in a process that goes on.

Data flow: an environment after its first run -> quiet runs in turn with `import dlt` -> a table.
Run: python benchmarks/quiet_run.py [--rounds 7] [--keep]
"""

import json
import subprocess
import sys
import tempfile

from measured import ROOT, command, in_turn, options, process, report, table

TICKS = """
import json, time
from pipelines.embedded import surround
from pipelines.ended import recorded
from pipelines.flow import whole_flow
from pipelines.ingest import Plan
from pipelines.lock import hold
from pipelines.settings import load
settings, found = load(), []
for _ in range(6):
    wall, cpu = time.perf_counter(), time.process_time()
    with hold(settings, 0) as lock, surround(settings) as around:
        recorded(around.settings, lambda current: whole_flow(around, lock, current, Plan()))
    found.append((time.perf_counter() - wall, time.process_time() - cpu))
print(json.dumps(found[1:]))
"""


def main() -> None:
    """Measures and prints."""
    asked = options(__doc__, rounds=7)
    with tempfile.TemporaryDirectory(prefix="quiet_run_") as folder:
        env = {"LAKEHOUSE__DATA_DIR": folder, "XDG_CONFIG_HOME": f"{folder}/config"}
        process(command(), env)
        runs = in_turn(
            {
                "import dlt": lambda: process([sys.executable, "-c", "import dlt"]),
                "import dlt, sqlalchemy, spotipy": lambda: process(
                    [sys.executable, "-c", "import dlt, sqlalchemy, spotipy"]
                ),
                "quiet run": lambda: process(command(), env),
            },
            asked.rounds,
        )
        ticks = ticked(env)
    wall, cpu = (sorted(tick[at] for tick in ticks)[len(ticks) // 2] for at in (0, 1))
    told = f"A tick of `--every`, median of {len(ticks)}: {wall:.2f} s wall, {cpu:.2f} s CPU."
    report("Quiet run", f"{table(runs, 'import dlt')}\n\n{told}", keep=asked.keep)


def ticked(env: dict[str, str]) -> list[list[float]]:
    """Wall and CPU seconds of ticks in one process, the first left out."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", TICKS],
        check=True, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    found: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
