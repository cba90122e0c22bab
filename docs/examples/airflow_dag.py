"""The flow as an Airflow DAG; put it, or a link to it, into the folder of DAGs.

Airflow pins other versions of libraries than the lock: the task runs in the project's own virtual environment.
"""

from datetime import UTC, datetime

from airflow.decorators import dag, task

CHECKOUT = "/opt/listening-lakehouse"


@dag(schedule="*/15 * * * *", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False, max_active_runs=1)
def listening_lakehouse() -> None:
    """Sources to published gold."""

    @task.external_python(python=f"{CHECKOUT}/.venv/bin/python")
    def lakehouse(checkout: str, profile: str) -> str:
        """Runs the whole flow once; a red audit or a failed step fails the task with its own words."""
        import os
        import sys

        os.chdir(checkout)  # dlt finds its settings from the current folder
        sys.path.insert(0, checkout)
        from pipelines.flow import run
        from pipelines.settings import load

        ended = run(load(profile))
        if ended.problems:
            raise RuntimeError("; ".join(map(str, ended.problems)))
        return ended.state

    lakehouse(CHECKOUT, "prod")


listening_lakehouse()
