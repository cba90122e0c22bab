"""The flow as a Dagster job with a schedule: `dagster dev -f docs/examples/dagster_flow.py`."""

import os
import sys
from pathlib import Path

from dagster import Definitions, Failure, OpExecutionContext, ScheduleDefinition, job, op

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))


@op
def lakehouse(context: OpExecutionContext) -> str:
    """Runs the whole flow once; a red audit or a failed step fails the op with its own words."""
    os.chdir(CHECKOUT)  # dlt finds its settings from the current folder
    from pipelines.flow import run
    from pipelines.settings import load

    ended = run(load(os.environ.get("WORKSPACE__PROFILE")))
    context.add_output_metadata({"run_id": ended.run_id, "rows": ended.rows, "state": ended.state})
    if ended.problems:
        raise Failure("; ".join(map(str, ended.problems)), allow_retries=ended.state != "red")
    return ended.state


@job
def listening_lakehouse() -> None:
    """Sources to published gold."""
    lakehouse()


definitions = Definitions(
    jobs=[listening_lakehouse], schedules=[ScheduleDefinition(job=listening_lakehouse, cron_schedule="*/15 * * * *")]
)
