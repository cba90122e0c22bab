"""The music catalog: three tables of a MySQL, MariaDB, SQLite or other database, into bronze.

`catalog` is the dlt source. `nothing_new` decides from the pipeline's folder and the catalog whether there is anything
to do, without dlt. `extract` is what a run calls then: it goes by the state in the lake, whatever this machine knows.

Data flow: catalog database -> plans -> dlt `sql_database` with the `key_window` loader -> bronze
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt

from sources.catalog.choice import Choice, Default, TableSettings, choose
from sources.catalog.database import explained, open_database
from sources.catalog.plan import Ask, Plan, State, asked_now, demand_shape, make_plan
from sources.catalog.tables import CATALOG
from sources.catalog.view import View
from sources.drift import Change
from sources.problem import Problem

if TYPE_CHECKING:
    import sqlalchemy as sa

    from sources.catalog.loader import Task

Progress = Callable[[str, int], None]
NAMES = tuple(table.name for table in CATALOG)
UNSET = Default()


@dataclass(frozen=True)
class Extract:
    """What a run did with one table.

    Attributes:
        table: Its name.
        state: `loaded`, `unchanged` or `stopped`.
        strategy: How it is read; empty where that could not be decided.
        rows: Rows that went to bronze.
        tombstones: Keys that were found to be gone.
        problem: Why the table was stopped.
        changes: How its columns have changed since the last load.
    """

    table: str
    state: str
    strategy: str = ""
    rows: int = 0
    tombstones: int = 0
    problem: Problem | None = None
    changes: tuple[Change, ...] = ()


def extract(
    pipeline: dlt.Pipeline,
    url: str,
    tables: Mapping[str, TableSettings] | None = None,
    full_refresh: frozenset[str] = frozenset(),
    backfill: tuple[date, date] | None = None,
    *,
    progress: Progress = lambda _table, _rows: None,
    accepted: frozenset[str] = frozenset(),
) -> list[Extract]:
    """Load what is new in the catalog into bronze, in one load package.

    Args:
        pipeline: Where to; its state says what is there already, and is restored from the lake when it is lost.
        url: SQLAlchemy URL of the catalog.
        tables: Settings of tables; a table without any is read as it suggests itself.
        full_refresh: Tables that get a new base, whatever is known of them.
        backfill: First and last day to be read again.
        progress: Told a table's name and the rows read so far.
        accepted: Places whose change of shape a person has accepted.

    Returns:
        What was done, in the order of the tables. A table that was stopped does not stop the others.

    Raises:
        Problem: The database or the lake cannot be reached, or a load failed.
    """
    from sources.catalog.run import Run

    run = Run(pipeline, dict(tables or {}), full_refresh, backfill, progress, accepted)
    return run.extract(url)


def nothing_new(pipelines_dir: Path, url: str, tables: Mapping[str, TableSettings] | None = None) -> bool:
    """Whether a run would load nothing, decided from the pipeline's folder and the catalog alone.

    Args:
        pipelines_dir: The folder of dlt's pipelines.
        url: SQLAlchemy URL of the catalog.
        tables: Settings of tables.

    Returns:
        False also when it cannot be told: no folder, packages that are still to be loaded, a table that is stopped.
    """
    from sources.catalog.run import local_states

    states = local_states(pipelines_dir / "catalog")
    if states is None:
        return False
    planned = plan_tables(url, states, dict(tables or {}), asked_now())
    return all(found is None for _, found in planned.values())


Planned = dict[str, tuple[Choice | None, Plan | Problem | None]]


def plan_tables(
    url: str, states: Mapping[str, State], tables: Mapping[str, TableSettings], ask: Ask, fresh: Iterable[str] = ()
) -> Planned:
    """Decide for each table: a plan, None for nothing new, or the problem that stops it.

    Raises:
        Problem: The database cannot be reached.
    """
    import sqlalchemy as sa

    engine = open_database(url)
    planned: Planned = {}
    try:
        with explained(engine, "Reading the catalog"), engine.connect() as connection:
            inspector = sa.inspect(connection)
            for name in NAMES:
                choice = None
                try:
                    choice = choose(inspector, name, tables.get(name, UNSET))
                    asked = Ask(ask.now, name in set(fresh), ask.backfill, ask.accepted)
                    demand_shape(choice, states.get(name, {}), asked)
                    planned[name] = (choice, make_plan(View.of(connection, choice), states.get(name, {}), asked))
                except Problem as problem:
                    planned[name] = (choice, problem)
    finally:
        engine.dispose()
    return planned


# A type that changed would make the lake's files disagree. The source says so, not its resources: dlt checks the hints
# of a resource with every page, and checking a contract there kept the page until Python's garbage collection came by:
# 525 MB at ten million rows, 362 without
@dlt.source(name="catalog", schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"})
def catalog(
    credentials: str = dlt.secrets.value,
    tables: Mapping[str, TableSettings] | None = None,
    tasks: "Mapping[str, Task] | None" = None,
    engine: "sa.Engine | None" = None,
) -> Iterable[Any]:
    """The catalog's tables, with `extracts` and `tombstones`.

    Args:
        credentials: SQLAlchemy URL of the catalog.
        tables: Settings of tables.
        tasks: What was decided for each table; left out, every table decides when it is read.
        engine: The open catalog; left out, it is opened by its URL.

    Yields:
        A resource for each table.
    """
    from sources.catalog.resources import make_resource, own_tasks

    opened = engine or open_database(credentials)
    for task in (tasks or own_tasks(opened, tables or {})).values():
        yield make_resource(opened, task)
