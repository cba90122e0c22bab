"""A trial of the production path: servers of its own, a catalog, the whole flow, and what each station holds.

MariaDB, S3 and Postgres are started. The catalog is a folder of Kaggle CSV files where one is given, else a generated
one. Servers, lake, warehouse and local data are gone afterwards.

Data flow: CSV files -> MariaDB -> S3 -> Postgres -> counts of every station

Run it: `make run-servers`, or `make run-servers ARGS=~/Downloads/catalog`
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import catalog
from sandbox.servers.together import serve
from sources.problem import Problem

RUN = Path(__file__).resolve().parents[2] / "pipelines" / "run.py"
SEED, TRACKS = 7, 2000
STATIONS = "select table_name, station, rows, explained from ops.reconciliation order by all"


def main(arguments: list[str]) -> int:
    """Runs the trial and returns the exit code of the first command that failed, else 0."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-trial-") as place, serve() as settings:
        files = Path(arguments[0]).expanduser() if arguments else Path(place) / "catalog"
        if not arguments:
            files.mkdir()
            catalog.write_csv(files, SEED, TRACKS)
        env = {**os.environ, **settings, "LAKEHOUSE__DATA_DIR": str(Path(place) / "data")}
        for command in (["import-catalog", str(files)], [], ["sql", STATIONS]):
            code = subprocess.call([sys.executable, str(RUN), *command], env=env)  # noqa: S603
            if code:
                return code
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        sys.exit(str(problem))
