"""`make docs`: what is written about gold, from what is known of it.

The exposures and the data dictionary are files of the checkout; dbt's own pages (lineage from bronze to each dashboard,
descriptions, tests, columns as built) become one file that opens without a server and without a network.

Data flow: metabase/, notebooks/, dbt/models -> exposures.yml, docs/dictionary.md; last build -> dbt's pages as one file
"""

import sys
from pathlib import Path

from pipelines import dictionary, exposures
from pipelines.cli import alone
from pipelines.dbt_run import invoke
from pipelines.lock import hold
from pipelines.settings import Settings
from sources.problem import Problem, UsageProblem


def write() -> None:
    """Write the files of the checkout."""
    exposures.FILE.write_text(exposures.render(exposures.exposures()), encoding="utf-8")
    dictionary.FILE.write_text(dictionary.render(), encoding="utf-8")


def pages(settings: Settings) -> Path:
    """Make one file of dbt's pages.

    Returns:
        The file.

    Raises:
        UsageProblem: Nothing is built yet.
        Problem: dbt could not write its pages.
    """
    database = settings.data_dir / "build" / "lakehouse.duckdb"
    if not database.exists():
        raise UsageProblem("dbt's pages show the last build, and there is none: run `python pipelines/run.py` first.")
    with hold(settings, settings.lock_wait):
        return _pages(settings, database)


def documents(settings: Settings, _arguments: list[str]) -> int:
    """Write all of it, and tell where dbt's pages are."""
    write()
    sys.stdout.write(f"{pages(settings)}\n")
    return 0


def _pages(settings: Settings, database: Path) -> Path:
    target = settings.data_dir / "docs"
    answer = invoke(settings, database, target, "docs", "generate", "--static", "--target", "lake")
    if not answer.success:
        raise Problem(
            f"dbt could not write its pages: {answer.exception or 'see the log'}. {settings.data_dir / 'logs'}"
        )
    return target / "static_index.html"


if __name__ == "__main__":
    sys.exit(alone(documents))
