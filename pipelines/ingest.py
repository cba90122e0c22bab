"""Sources to bronze, each in its own dlt pipeline; one that fails harms no other.

Every step looks first and makes a pipeline only when there is something to load, so that a quiet run costs little; the
lake is looked at once, and again only after a source has made one.
Before anything is read, packages that a killed run left committed but unmarked are sealed.

Data flow: Surroundings, Plan -> sources -> load packages -> Loaded per source
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import ledger
from pipelines.bronze import EXPORT_FILES, over_bronze
from pipelines.embedded import Surroundings
from pipelines.ended import noted
from pipelines.integrity import examine
from pipelines.journal import step
from pipelines.kept import kept
from pipelines.lake import Snapshot, seal
from pipelines.lake_reader import Unreadable
from pipelines.moved import forget_other_lake, note_origin
from pipelines.settings import SOURCES, Settings
from pipelines.sight import Sight
from pipelines.store import open_store
from sources.pending import explained, finish, waits
from sources.problem import Problem

if TYPE_CHECKING:
    from sources.spotify_export.report import ImportReport

log = logging.getLogger("lakehouse.ingest")
REJECTS = "spotify_export__rejects"
EXPORT = "spotify_export"
EVERY = f"select distinct file_id from bronze.{EXPORT_FILES}"
READABLE = f"{EVERY} except select file_id from bronze.{REJECTS} where row_number is null"
NOT_AGAIN = f"{EVERY} where list_contains(?, _dlt_load_id) except {EVERY} where not list_contains(?, _dlt_load_id)"


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
    sight = Sight(around.settings)
    return tuple(_guarded(name, around, plan, sight) for name in SOURCES if name in plan.sources)


def _guarded(name: str, around: Surroundings, plan: Plan, sight: Sight) -> Loaded:
    with step(name) as told:
        try:
            forget_other_lake(around.settings, open_store(around.settings.lake), name)
            loaded = LOADERS[name](around, plan, sight)
            note_origin(around.settings, open_store(around.settings.lake), name)
        except Exception as error:
            loaded = Loaded(name, problems=(noted(error, f"{name} failed: "),))
        if any(isinstance(problem, Unreadable) for problem in loaded.problems):
            examine(around.settings, sight.snapshot)  # what is spoiled is told, and left out from here on
        told.tell(rows=loaded.rows, problems=len(loaded.problems) or None)
    if loaded.rows:
        seal(open_store(around.settings.lake), name)
    return loaded


def _catalog(around: Surroundings, plan: Plan, sight: Sight) -> Loaded:
    from sources.catalog import NAMES, extract, nothing_new

    settings = around.settings
    url, tables = settings.catalog.credentials, settings.catalog.tables
    if settings.catalog.is_default and not settings.catalog.file.exists():
        log.warning("catalog is left out: set SOURCES__CATALOG__CREDENTIALS, or fill it with import-catalog")
        return Loaded("catalog")
    whole = frozenset(NAMES) if plan.full_refresh else _lost_tables(sight.snapshot)
    asked = whole or plan.backfill
    if not asked and nothing_new(settings.data_dir / "pipelines", url, tables):
        return Loaded("catalog")
    agreed = ledger.accepted(settings)
    found = extract(sight.pipeline("catalog"), url, tables, whole, plan.backfill, accepted=agreed)
    shapes = {f"catalog.{table.table}": table.changes for table in found}
    ledger.record(settings, shapes, [f"catalog.{table.table}" for table in found if table.state == "loaded"])
    problems = tuple(table.problem for table in found if table.problem)
    return Loaded("catalog", sum(table.rows + table.tombstones for table in found), problems)


def _lost_tables(snapshot: Snapshot) -> frozenset[str]:
    """Tables that the lake has lost rows of: the source still has them, so a new base heals the loss."""
    from sources.catalog import NAMES

    lost = {loss.table.partition("__")[2] for loss in snapshot.lost("catalog")}
    return frozenset(NAMES if lost - set(NAMES) else lost)


def _finish(around: Surroundings, sight: Sight, name: str) -> None:
    """Load what an earlier run left, though the source itself may have nothing new: its own memory says that it has."""
    if waits(around.settings.data_dir / "pipelines" / name):
        with explained(name):
            finish(sight.pipeline(name))


def _spotify_export(around: Surroundings, _plan: Plan, sight: Sight) -> Loaded:
    _finish(around, sight, "spotify_export")
    inbox = around.settings.spotify_export.inbox
    if not inbox.is_dir():
        return Loaded("spotify_export")
    report = import_history(around.settings, [inbox], remember=True, sight=sight)
    problems = tuple(Problem(text) for text in report.new_problems)
    return Loaded("spotify_export", report.counts.rows if report.load_ids else 0, problems)


def import_history(
    settings: Settings, paths: Iterable[Path], dry_run: bool = False, remember: bool = False, sight: Sight | None = None
) -> "ImportReport":
    """Bring exports and scrobbles into bronze.

    Args:
        settings: The environment.
        paths: Zips, folders, files.
        dry_run: Read and report, load nothing.
        remember: Look into files only that are new or changed since the last time; for the inbox.
        sight: The lake, for who has looked at it already.
    """
    from sources.spotify_export.load import import_paths
    from sources.spotify_export.progress import bar

    if not (sight or dry_run):
        forget_other_lake(settings, open_store(settings.lake), EXPORT)
    seen = sight or Sight(settings)
    lost = lost_files(settings, seen.snapshot)
    known = known_files(settings, seen.snapshot) - lost
    with bar() as progress:
        return import_paths(
            None if dry_run else lambda: seen.pipeline("spotify_export"),
            paths,
            known,
            settings.spotify_export.keep_place,
            progress,
            memory=settings.data_dir / "inbox.json" if remember else None,
            again=lost,
        )


def known_files(settings: Settings, snapshot: Snapshot) -> set[str]:
    """The `file_id` of every file that the lake holds; one that could not be read is told at every import."""
    if not snapshot.paths(EXPORT_FILES):
        return set()
    place = settings.data_dir / "known_files.json"
    return set(kept(place, snapshot, [EXPORT_FILES, REJECTS], lambda: _ask(settings, snapshot, READABLE)))


def lost_files(settings: Settings, snapshot: Snapshot) -> set[str]:
    """The `file_id` of every file that the lake has lost rows of, and not got again: it may be imported again."""
    loads = [loss.load_id for loss in snapshot.lost(EXPORT)]
    if not loads or not snapshot.paths(EXPORT_FILES):
        return set()
    return set(_ask(settings, snapshot, NOT_AGAIN, loads, loads))


def _ask(settings: Settings, snapshot: Snapshot, query: str, *values: object) -> list[str]:
    with over_bronze(settings.lake, snapshot, (EXPORT_FILES, REJECTS)) as connection:
        return sorted(file_id for (file_id,) in connection.execute(query, values).fetchall())


def _curation(around: Surroundings, _plan: Plan, sight: Sight) -> Loaded:
    from pipelines.restore import restore_curation
    from sources.curation.load import load_rules
    from sources.curation.rules import read_rules

    settings = around.settings
    _finish(around, sight, "curation")
    if not settings.curation.is_dir() and restore_curation(settings, sight.snapshot):
        log.warning("%s was missing: its rules came back from the lake; empty it to drop them", settings.curation)
    state = settings.data_dir / "pipelines" / "curation" / "state.json"
    lost = bool(sight.snapshot.lost("curation"))
    rows = load_rules(lambda: sight.pipeline("curation"), settings.curation, state, again=lost)
    for rule in read_rules(settings.curation):
        if not rule.is_valid:
            log.warning("%s line %d does nothing: %s", settings.curation / rule.file, rule.line, rule.problem)
    return Loaded("curation", rows)


def _spotify_api(around: Surroundings, plan: Plan, sight: Sight) -> Loaded:
    from pipelines.listener import connection, journal_folder
    from pipelines.wanted import held, wanted
    from sources.spotify_api.flow import Plan as PollPlan
    from sources.spotify_api.flow import poll

    settings = around.settings
    if not settings.spotify_api.client_id:
        log.warning("spotify_api is left out: set SOURCES__SPOTIFY_API__CLIENT_ID and run login")
        return Loaded("spotify_api")
    result = poll(
        lambda: sight.pipeline("spotify_api"),
        journal_folder(settings),
        connection(settings, around.token_folder),
        PollPlan(
            daily_budget=settings.spotify_api.daily_budget,
            poll_every=plan.poll_every,
            wanted=wanted(settings, sight.snapshot),
            fetched=lambda: held(settings, sight.snapshot),
            should_stop=plan.should_stop,
        ),
        now=around.now,
    )
    if result.warning:
        log.warning("%s", result.warning)
    return Loaded("spotify_api", result.new_plays + result.fetched, (result.problem,) if result.problem else ())


LOADERS: dict[str, Callable[[Surroundings, Plan, Sight], Loaded]] = {
    "catalog": _catalog,
    "spotify_export": _spotify_export,
    "curation": _curation,
    "spotify_api": _spotify_api,
}
