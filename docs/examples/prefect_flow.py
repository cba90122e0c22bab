"""The flow as a Prefect flow: `python docs/examples/prefect_flow.py` serves it every 15 minutes."""

import os
import sys
from pathlib import Path

from prefect import flow

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))


@flow(name="listening-lakehouse", retries=1, retry_delay_seconds=300)
def lakehouse(profile: str = "prod") -> str:
    """Runs the whole flow once; a red audit or a failed step fails the run with its own words."""
    os.chdir(CHECKOUT)  # dlt finds its settings from the current folder
    from pipelines.flow import run
    from pipelines.settings import load

    ended = run(load(profile))
    if ended.problems:
        raise RuntimeError("; ".join(map(str, ended.problems)))
    return ended.state


if __name__ == "__main__":
    lakehouse.serve(cron="*/15 * * * *")
