"""The whole flow as a function: ingest, build, audit, publish.

`run` is what the command line calls and what an orchestrator may call. A source that fails harms nothing else: the
others go on, what is in the lake is built and published, and the run ends as failed. A red audit publishes nothing
and stays red, since the published fingerprint is not that of the lake.

Data flow: settings -> sources -> lake -> build database -> warehouse -> Run
"""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pipelines import build as builder
from pipelines import compact, drift, ingest, lake_reader, reconcile
from pipelines.embedded import Surroundings, surround
from pipelines.ended import Run, noted, recorded
from pipelines.integrity import examine, sound_snapshot, told, without_held
from pipelines.journal import step
from pipelines.lake import Snapshot
from pipelines.lock import BusyError, Lock, hold
from pipelines.query import analyst
from pipelines.settings import Settings
from pipelines.warehouse import Generation, Reconciliation, Warehouse, open_warehouse
from pipelines.warehouse.gold import read_tables
from sources.problem import Problem, RedAudit, UsageProblem

log = logging.getLogger("lakehouse.flow")


def run(settings: Settings, full_refresh: bool = False, advance: timedelta | None = None) -> Run:
    """Run the whole flow once.

    Args:
        settings: The environment.
        full_refresh: Read sources whole and build from bronze again.
        advance: How far to move the sandbox listener's clock first.

    Returns:
        How it ended; problems are in it, not raised.

    Raises:
        BusyError: Another run holds the environment.
        UsageProblem: A setting is wrong.
    """
    return begin(settings, settings.lock_wait, ingest.Plan(full_refresh=full_refresh), advance)


def begin(settings: Settings, wait: float, plan: ingest.Plan, advance: timedelta | None = None) -> Run:
    """Hold the environment and run the whole flow in it; where not even that succeeds, the run has failed, too.

    Raises:
        BusyError: Another run holds the environment.
        UsageProblem: A setting is wrong.
    """
    ended: Run | None = None
    try:
        with hold(settings, wait) as lock, surround(settings, advance) as around:
            ended = recorded(around.settings, lambda current: whole_flow(around, lock, current, plan))
    except (BusyError, UsageProblem):
        raise
    except Exception as error:
        if ended is None:
            return recorded(settings, partial(_fail, error))
        noted(error)  # what had to be tidied up: the run itself has ended as it is recorded
    return ended


def _fail(error: Exception, _current: Run) -> Run:
    raise error


def bring_up(
    settings: Settings,
    lock: Lock,
    current: Run,
    *,
    full_refresh: bool = False,
    migrate: bool = False,
    forward: bool = False,
) -> Run:
    """Build, audit and publish what the lake holds, unless just that is published already.

    Args:
        settings: The environment, its lock held.
        lock: Asked once more before anything becomes visible.
        current: The run that this is part of.
        full_refresh: Build from bronze again.
        migrate: Allow gold columns to go or to change.
        forward: Publish again what a rollback took away; a scheduled run leaves it away until something is new.

    Raises:
        RedAudit: A test failed, or stations do not agree: nothing is published, or not what was audited.
        Problem: A step failed.
    """
    snapshot = look(settings)
    wanted = builder.fingerprint(settings, snapshot)
    warehouse = open_warehouse(settings)
    published = warehouse.published()
    is_published = published and _is_seen(warehouse, published, wanted.digest, forward) and not full_refresh
    if is_published and builder.is_at_hand(settings, wanted):
        return replace(current, state="failed" if current.problems else "nothing new")
    built = build_sound(settings, snapshot, full_refresh)
    if built.fingerprint != wanted:  # it took reading to find out that files are spoiled
        return bring_up(settings, lock, current, full_refresh=full_refresh, migrate=migrate, forward=forward)
    if is_published:
        return replace(current, state="failed" if current.problems else "nothing new")
    with step("reconcile"):
        stations = _reconcile(settings, warehouse, built, current, snapshot)
    with step("publish") as telling:
        tables = read_tables(built.target / "manifest.json")
        generation = warehouse.publish(
            built.database, current.run_id, wanted.digest, tables, migrate, permit=lock.check
        )
        telling.tell(tables=len(tables), rows=sum(table.rows for table in generation.tables.values()))
    seen = _count_published(settings, stations)
    warehouse.record_reconciliation(seen)
    reconcile.demand(seen)
    return replace(current, state="failed" if current.problems else "published")


def _is_seen(warehouse: Warehouse, published: Generation, wanted: str, forward: bool) -> bool:
    """Whether readers see what is wanted, and it was counted there; or a rollback holds it back."""
    if wanted == published.fingerprint:
        return warehouse.is_counted(published.run_id)
    return wanted == published.held_back and not forward


def look(settings: Settings) -> Snapshot:
    """The files to build from; what is lost is told, and nothing waits for it."""
    try:
        return _look(settings)
    except lake_reader.Unreadable:
        if not examine(settings, sound_snapshot(settings)):
            raise
    return look(settings)


def _look(settings: Settings) -> Snapshot:
    with step("snapshot") as telling:
        snapshot = sound_snapshot(settings, note=True)
        if drift.observe(settings, snapshot):
            snapshot = without_held(settings, snapshot)
        telling.tell(files=sum(map(len, snapshot.files.values())), lost=len(snapshot.open_losses) or None)
    for loss in snapshot.open_losses:
        log.warning("%s", told(loss))
    return snapshot


def build_sound(settings: Settings, snapshot: Snapshot, full_refresh: bool) -> builder.Build:
    """Build; where that fails, look whether spoiled files are the reason, and build again without them.

    Raises:
        RedAudit: A test or a contract failed.
        Problem: A model could not be built.
    """
    with step("build"):
        try:
            return builder.build(settings, snapshot, full_refresh)
        except Problem as problem:
            # a bucket keeps checksums of its own: there a red audit is no reason to read all of it
            doubtful = settings.lake.is_local or not isinstance(problem, RedAudit)
            if not doubtful or not examine(settings, snapshot):
                raise
    return build_sound(settings, look(settings), full_refresh)


def whole_flow(around: Surroundings, lock: Lock, current: Run, plan: ingest.Plan) -> Run:
    """Ingest, then build, audit and publish; for callers that hold the lock."""
    loaded = ingest.ingest(around, plan)
    current = replace(
        current,
        rows=sum(source.rows for source in loaded),
        problems=tuple(problem for source in loaded for problem in source.problems),
    )
    if current.rows:
        compact.when_due(around.settings, lock)
    try:
        return bring_up(around.settings, lock, current, full_refresh=plan.full_refresh)
    except Exception as error:
        return current.stopped_by(noted(error))


def _reconcile(
    settings: Settings, warehouse: Warehouse, built: builder.Build, current: Run, snapshot: Snapshot
) -> list[Reconciliation]:
    import duckdb

    with lake_reader.readable(settings.lake), duckdb.connect(str(built.database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        lake_reader.open_lake(connection, settings.lake)
        absent = [loss.table for loss in snapshot.absent if not loss.is_healed]
        stations = reconcile.count(connection, current.run_id, absent)
    warehouse.record_reconciliation(stations)
    reconcile.demand(stations)
    return stations


def _count_published(settings: Settings, stations: list[Reconciliation]) -> list[Reconciliation]:
    import duckdb

    try:
        with analyst(settings) as connection:
            return reconcile.count_published(connection, stations)
    except duckdb.Error as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise Problem(
            f"Gold is published, and could not be counted where readers see it: {said}. Check the servers of "
            "DESTINATION__LAKE__BUCKET_URL and DESTINATION__WAREHOUSE__CREDENTIALS; doctor looks at both."
        ) from error
