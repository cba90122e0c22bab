"""Run the lakehouse: `python pipelines/run.py --help`.

Without a subcommand the whole flow runs: sources to bronze, silver and gold by dbt, audit, publish.

Data flow: command line -> settings -> one command
"""

import os
import sys
from pathlib import Path

INVOKED_FROM = Path.cwd()
ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # the checkout in place of pipelines/, where a module could shadow a library
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

from pipelines.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], INVOKED_FROM))
