"""Sources to bronze, each in its own dlt pipeline; one that fails harms no other.

Every step looks first and makes a pipeline only when there is something to load, so that a quiet run costs little.
Before anything is read, packages that a killed run left committed but unmarked are sealed.

Data flow: Surroundings, Plan -> sources -> load packages -> Loaded per source
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.embedded import Surroundings
from pipelines.journal import step
from pipelines.kept import kept
from pipelines.lake import Snapshot, pipeline_for, seal, take_snapshot
from pipelines.moved import forget_other_lake
from pipelines.settings import Settings
from pipelines.store import open_store
from sources.problem import Problem

if TYPE_CHECKING:
    from sources.spotify_export.report import ImportReport

log = logging.getLogger("lakehouse.ingest")
SOURCES = ("catalog", "spotify_export", "curation", "spotify_api")
"""In this order: the API's budget is spent on what the history names."""

FILES = "spotify_export__files"


@dataclass(frozen=True)
class Plan:
    """What to ingest.

    Attributes:
        sources: Names of the sources.
        full_refresh: Read catalog tables whole.
        backfill: First and last date to read again.
        poll_every: How often the API is polled; requests for the polls of the day are kept free of enrichment.
        should_stop: Asked before each request to the API that is not a poll.
    """

    sources: tuple[str, ...] = SOURCES
    full_refresh: bool = False
    backfill: tuple[date, date] | None = None
    poll_every: timedelta = timedelta(minutes=15)
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Loaded:
    """What one source brought.

    Attributes:
        rows: Rows in new load packages.
        problems: What went wrong, one paragraph each.
    """

    source: str
    rows: int = 0
    problems: tuple[Problem, ...] = ()


def ingest(around: Surroundings, plan: Plan) -> tuple[Loaded, ...]:
    """Load every planned source; problems are in the result, not raised."""
    return tuple(_guarded(name, around, plan) for name in SOURCES if name in plan.sources)


def _guarded(name: str, around: Surroundings, plan: Plan) -> Loaded:
    with step(name) as told:
        try:
            forget_other_lake(around.settings, open_store(around.settings.lake), name)
            loaded = LOADERS[name](around, plan)
        except Problem as problem:
            loaded = Loaded(name, problems=(problem,))
        except Exception as error:
            log.exception("%s failed", name, extra={"file_only": True})
            reason = (str(error).strip().splitlines() or [""])[0][:300]
            loaded = Loaded(name, problems=(Problem(f"{name} failed: {type(error).__name__}: {reason}"),))
        told.tell(rows=loaded.rows, problems=len(loaded.problems) or None)
    if loaded.rows:
        seal(open_store(around.settings.lake), name)
    return loaded


def _catalog(around: Surroundings, plan: Plan) -> Loaded:
    from sources.catalog import NAMES, extract, nothing_new

    settings = around.settings
    url, tables = settings.catalog.credentials, settings.catalog.tables
    if settings.catalog.is_default and not settings.catalog.file.exists():
        log.warning("catalog is left out: set SOURCES__CATALOG__CREDENTIALS, or fill it with import-catalog")
        return Loaded("catalog")
    asked = plan.full_refresh or plan.backfill
    if not asked and nothing_new(settings.data_dir / "pipelines", url, tables):
        return Loaded("catalog")
    whole = frozenset(NAMES if plan.full_refresh else ())
    found = extract(pipeline_for(settings, "catalog"), url, tables, whole, plan.backfill)
    problems = tuple(table.problem for table in found if table.problem)
    return Loaded("catalog", sum(table.rows + table.tombstones for table in found), problems)


def _spotify_export(around: Surroundings, _plan: Plan) -> Loaded:
    inbox = around.settings.spotify_export.inbox
    if not inbox.is_dir():
        return Loaded("spotify_export")
    report = import_history(around.settings, [inbox], remember=True)
    problems = tuple(Problem(text) for text in report.new_problems)
    return Loaded("spotify_export", report.counts.rows if report.load_ids else 0, problems)


def import_history(
    settings: Settings, paths: Iterable[Path], dry_run: bool = False, remember: bool = False
) -> "ImportReport":
    """Bring exports and scrobbles into bronze.

    Args:
        settings: The environment.
        paths: Zips, folders, files.
        dry_run: Read and report, load nothing.
        remember: Look into files only that are new or changed since the last time; for the inbox.
    """
    from sources.spotify_export.load import import_paths
    from sources.spotify_export.progress import bar

    with bar() as progress:
        return import_paths(
            None if dry_run else lambda: pipeline_for(settings, "spotify_export"),
            paths,
            known_files(settings),
            settings.spotify_export.keep_place,
            progress,
            dry_run=dry_run,
            memory=settings.data_dir / "inbox.json" if remember else None,
        )


def known_files(settings: Settings) -> set[str]:
    """The `file_id` of every file that the lake holds."""
    snapshot = take_snapshot(open_store(settings.lake))
    if not snapshot.paths(FILES):
        return set()
    return set(kept(settings.data_dir / "known_files.json", snapshot, [FILES], lambda: _ask(settings, snapshot)))


def _ask(settings: Settings, snapshot: Snapshot) -> list[str]:
    import duckdb

    from pipelines import duck

    with duckdb.connect() as connection:
        duck.open_lake(connection, settings.lake)
        duck.create_bronze(connection, snapshot, {FILES: duck.declared_tables()[FILES]})
        rows = connection.execute(f"select distinct file_id from bronze.{FILES} order by 1").fetchall()
    return [file_id for (file_id,) in rows]


def _curation(around: Surroundings, _plan: Plan) -> Loaded:
    from pipelines.restore import restore_curation
    from sources.curation.load import load_rules
    from sources.curation.rules import read_rules

    settings = around.settings
    if not settings.curation.is_dir() and restore_curation(settings):
        log.warning("%s was missing: its rules came back from the lake; empty it to drop them", settings.curation)
    state = settings.data_dir / "pipelines" / "curation" / "state.json"
    rows = load_rules(lambda: pipeline_for(settings, "curation"), settings.curation, state)
    for rule in read_rules(settings.curation):
        if not rule.is_valid:
            log.warning("%s line %d does nothing: %s", settings.curation / rule.file, rule.line, rule.problem)
    return Loaded("curation", rows)


def _spotify_api(around: Surroundings, plan: Plan) -> Loaded:
    from pipelines.listener import connection, journal_folder
    from pipelines.wanted import wanted
    from sources.spotify_api.flow import Plan as PollPlan
    from sources.spotify_api.flow import poll

    settings = around.settings
    if not settings.spotify_api.client_id:
        log.warning("spotify_api is left out: set SOURCES__SPOTIFY_API__CLIENT_ID and run login")
        return Loaded("spotify_api")
    budget = settings.spotify_api.daily_budget
    snapshot = take_snapshot(open_store(settings.lake))
    result = poll(
        lambda: pipeline_for(settings, "spotify_api"),
        journal_folder(settings),
        connection(settings, around.token_folder),
        PollPlan(
            daily_budget=budget,
            poll_every=plan.poll_every,
            wanted=wanted(settings, snapshot),
            fetch_limit=budget,
            should_stop=plan.should_stop,
        ),
        now=around.now,
    )
    if result.warning:
        log.warning("%s", result.warning)
    return Loaded("spotify_api", result.new_plays + result.fetched, (result.problem,) if result.problem else ())


LOADERS: dict[str, Callable[[Surroundings, Plan], Loaded]] = {
    "catalog": _catalog,
    "spotify_export": _spotify_export,
    "curation": _curation,
    "spotify_api": _spotify_api,
}
