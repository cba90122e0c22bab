"""What each command does, in a few lines; the work is in the modules that they call.

Data flow: (settings, options) -> steps -> text on stdout, exit code
"""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from pipelines import flow as flows
from pipelines import ingest as ingesting
from pipelines import summary
from pipelines.embedded import surround
from pipelines.ended import Run, recorded, worst
from pipelines.lake import take_snapshot
from pipelines.lock import Lock, hold
from pipelines.settings import SOURCES, Settings
from pipelines.store import open_store
from pipelines.warehouse import open_warehouse
from sources.problem import Problem, UsageProblem, paragraph

log = logging.getLogger("lakehouse.commands")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def flow(settings: Settings, options: argparse.Namespace) -> int:
    """The whole flow, once or for ever."""
    if options.every:
        from pipelines.always import keep_running

        return keep_running(settings, duration(options.every))
    advance = duration(options.advance) if options.advance else None
    return _ended(settings, flows.run(settings, options.full_refresh, advance))


def ingest(settings: Settings, options: argparse.Namespace) -> int:
    """Sources to bronze."""
    unknown = set(options.sources) - set(SOURCES)
    if unknown:
        raise UsageProblem(f"No source is called {', '.join(sorted(unknown))}: there are {', '.join(SOURCES)}.")
    backfill = _range(options.backfill) if options.backfill else None
    plan = ingesting.Plan(tuple(options.sources) or SOURCES, options.full_refresh, backfill)
    with hold(settings, settings.lock_wait), surround(settings) as around:
        loaded = ingesting.ingest(around, plan)
    for source in loaded:
        sys.stdout.write(f"{source.source}: {source.rows:,} new rows\n")
    return _tell([problem for source in loaded for problem in source.problems])


def build(settings: Settings, options: argparse.Namespace) -> int:
    """Silver and gold from bronze, audited, not published."""
    with hold(settings, settings.lock_wait):
        flows.build_sound(settings, flows.look(settings), options.full_refresh)
    sys.stdout.write("built and audited; `publish` makes it what readers see\n")
    return 0


def publish(settings: Settings, options: argparse.Namespace) -> int:
    """The audited gold to the warehouse."""
    return _locked(
        settings,
        lambda lock, current: flows.bring_up(settings, lock, current, migrate=options.migrate, forward=True),
    )


def rollback(settings: Settings, _options: argparse.Namespace) -> int:
    """The generation before."""
    with hold(settings, settings.lock_wait):
        generation = open_warehouse(settings).rollback()
    sys.stdout.write(f"readers see the gold of run {generation.run_id} again; `publish` goes forward\n")
    return 0


def import_history(settings: Settings, options: argparse.Namespace) -> int:
    """Privacy exports and scrobbles into bronze, then the flow."""
    from sources.spotify_export.report import render

    if options.dry_run:
        report = ingesting.import_history(settings, options.paths, dry_run=True)
        sys.stdout.write(render(report) + "\n")
        return _tell(list(map(Problem, report.problems)))
    with hold(settings, settings.lock_wait) as lock, surround(settings) as around:
        report = ingesting.import_history(settings, options.paths)
        sys.stdout.write(render(report) + "\n")
        unread = _tell(list(map(Problem, report.problems)))
        plan = ingesting.Plan()
        run = recorded(settings, lambda current: flows.whole_flow(around, lock, current, plan))
    return _ended(settings, run) or unread


def import_catalog(settings: Settings, options: argparse.Namespace) -> int:
    """The Kaggle CSV files into the catalog database."""
    from sources.catalog.kaggle import import_catalog as load
    from sources.spotify_export.progress import bar

    with hold(settings, settings.lock_wait), bar() as progress:
        report = load(settings.catalog.credentials, options.folder, lambda file, done, size: progress(done, size, file))
    for file in report.files:
        counts = f"{file.rows:,} rows = {file.loaded:,} loaded + {file.rejected:,} rejected"
        sys.stdout.write(f"{file.file}: {counts}\n")
    for table in report.missing:
        sys.stdout.write(f"{table}: the folder has no {table}.csv; the table stays as it was\n")
    if any(file.rejected for file in report.files):
        sys.stdout.write("each rejected row and its reason is in the catalog's table import_rejects\n")
    return 0


def rebuild(settings: Settings, _options: argparse.Namespace) -> int:
    """Everything but credentials from the lake alone.

    Raises:
        UsageProblem: The lake is empty, so that nothing could come back from it.
    """
    from pipelines.rebuild import bring_back

    if not take_snapshot(open_store(settings.lake)).files:
        raise UsageProblem(f"The lake {settings.lake.bucket_url} is empty: set DESTINATION__LAKE__BUCKET_URL.")
    return _locked(settings, lambda lock, current: bring_back(settings, lock, current))


def duration(text: str) -> timedelta:
    """A length of time such as `15m`, `2h` or `90s`.

    Raises:
        UsageProblem: It is none.
    """
    match = re.fullmatch(r"(\d{1,8})([smhd])", text.strip())
    if not match or int(match[1]) == 0:
        raise UsageProblem(f"{text!r} is no length of time: write 90s, 15m, 2h or 1d.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _range(texts: list[str]) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(text) for text in texts)
    except ValueError as error:
        raise UsageProblem(f"{' '.join(texts)} is no range: write two dates such as 2024-01-01 2024-03-31.") from error
    if last < first:
        raise UsageProblem(f"The range {first} to {last} runs backwards.")
    return first, last


def _locked(settings: Settings, work: Callable[[Lock, Run], Run]) -> int:
    with hold(settings, settings.lock_wait) as lock:
        run = recorded(settings, lambda current: work(lock, current))
    return _ended(settings, run, short=True)


def _ended(settings: Settings, run: Run, short: bool = False) -> int:
    if run.problems:
        return _tell(run.problems)
    if run.state == "published" and not short:
        summary.show(settings, run, sys.stdout)
    else:
        sys.stdout.write(f"{summary.MEANINGS[run.state]}\n")
    return 0


def _tell(problems: Sequence[Problem]) -> int:
    for problem in problems:
        sys.stderr.write(f"{paragraph(problem)}\n")
    return worst(problems)
