"""A trial of the production path: servers of its own, a catalog, the whole flow, and what each station holds.

MariaDB, S3 and Postgres are started. The catalog is a folder of Kaggle CSV files where one is given, else a generated
one. The catalog is read by a user with SELECT alone. The flow runs twice: the second run has to find nothing new.
Servers, lake, warehouse and local data are gone afterwards.

Data flow: CSV files -> MariaDB -> S3 -> Postgres -> counts of every station

Run it: `make run-servers`, or `make run-servers ARGS=~/Downloads/catalog`
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox import catalog
from sandbox.servers.mariadb import MariaDB
from sandbox.servers.together import CATALOG, serve
from sources.problem import Problem

RUN = Path(__file__).resolve().parents[2] / "pipelines" / "run.py"
SEED, TRACKS = 7, 2000
STATIONS = """
    select
        table_name,
        max(rows) filter (station = 'source') as source,
        max(rows) filter (station = 'bronze') as bronze_on_s3,
        max(rows) filter (station = 'silver') as silver,
        max(rows) filter (station = 'gold') as gold,
        max(rows) filter (station = 'published') as in_postgres,
        count(distinct rows) = 1 and bool_and(explained) as equal
    from ops.reconciliation
    group by table_name
    order by table_name
"""


def main(arguments: list[str]) -> int:
    """Runs the trial and returns the exit code of the first command that failed, else 0."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lakehouse-trial-") as place, serve() as settings:
        env = {**os.environ, **settings, "LAKEHOUSE__DATA_DIR": str(Path(place) / "data")}
        code = _run(["import-catalog", str(_files(arguments, Path(place)))], env)
        env[CATALOG] = MariaDB(settings[CATALOG]).reader(settings[CATALOG])
        for command in ([], [], ["sql", STATIONS]):
            code = code or _run(command, env)
    sys.stdout.write(f"{time.monotonic() - started:.0f} s from nothing to servers that are gone again\n")
    return code


def _files(arguments: list[str], place: Path) -> Path:
    if arguments:
        return Path(arguments[0]).expanduser()
    files = place / "catalog"
    catalog.write_csv(files, SEED, TRACKS)
    return files


def _run(command: list[str], env: dict[str, str]) -> int:
    sys.stdout.write(f"\n$ python pipelines/run.py {' '.join(' '.join(command).split())}\n")
    sys.stdout.flush()
    return subprocess.call([sys.executable, str(RUN), *command], env=env)  # noqa: S603


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        sys.exit(str(problem))
