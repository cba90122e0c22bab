"""`run.py dashboards`: Metabase as the files in `metabase/` say.

The first run makes Metabase's first user, the connection for the role `metabase`, the descriptions of tables and
columns, the cards and the dashboards. Every other run writes only what differs. What somebody changed in Metabase by
hand is told and left as it is; `--force` overwrites it, `--dry-run` only tells.

Data flow: metabase/*.yaml, dbt's manifest -> Metabase's REST API -> report on stdout
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines.settings import Settings
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from pipelines.dashboards.settle import Outcome
    from pipelines.warehouse.gold import GoldTable

FOLDER = "metabase"


def dashboards(settings: Settings, options: argparse.Namespace) -> int:
    """Apply the files and tell what became of each thing.

    Returns:
        1 where a change by hand kept a newer file from being applied, else 0.

    Raises:
        UsageProblem: A setting or a file is not as it must be.
        Problem: Metabase refused something or cannot be reached.
    """
    from pipelines.dashboards.apply import apply
    from pipelines.dashboards.client import sign_in
    from pipelines.dashboards.files import read

    source = read(settings.root / FOLDER)
    metabase = sign_in(settings.metabase, options.dry_run)
    outcomes = apply(metabase, settings, source, published_tables(settings), options.force)
    for line in report(outcomes, options.dry_run):
        sys.stdout.write(f"{line}\n")
    return int(any(outcome.is_behind for outcome in outcomes))


def published_tables(settings: Settings) -> list["GoldTable"]:
    """The gold tables that readers see, as the last build's manifest describes them.

    Raises:
        UsageProblem: The warehouse is a file, which Metabase does not read.
        Problem: Nothing is built or published.
    """
    from pipelines.warehouse import open_warehouse
    from pipelines.warehouse.gold import read_tables

    if not settings.warehouse.is_postgres:
        raise UsageProblem(
            "Metabase reads Postgres, and this warehouse is a file: set DESTINATION__WAREHOUSE__CREDENTIALS."
        )
    manifest = settings.data_dir / "build" / "dbt" / "manifest.json"
    generation = open_warehouse(settings).published()
    if generation is None or not manifest.exists():
        raise Problem("There is no gold to show yet: run `python pipelines/run.py` first, then `dashboards`.")
    shown = {name: set(state.columns) for name, state in generation.tables.items()}
    return [table for table in read_tables(manifest) if set(table.descriptions) <= shown.get(table.name, set())]


def report(outcomes: Sequence["Outcome"], dry_run: bool = False) -> Iterator[str]:
    """Lines for a person: counts, then each change by hand."""
    counts = Counter((outcome.kind, outcome.state) for outcome in outcomes)
    for kind in ("connection", "table", "card", "dashboard"):
        states = [f"{number} {state}" for (of, state), number in counts.items() if of == kind]
        if states:
            yield f"{kind}s: {', '.join(states)}"
    for outcome in outcomes:
        if outcome.changed:
            done = "overwritten" if outcome.state != "kept" else "kept; --force overwrites it"
            newer = " (the file is newer and was not applied)" if outcome.is_behind else ""
            yield f"changed by hand: {outcome.kind} {outcome.name}: {', '.join(outcome.changed)}. It was {done}{newer}."
    if dry_run:
        yield "dry run: nothing was sent"
