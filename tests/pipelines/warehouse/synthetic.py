"""A small gold, made without dbt: three tables in which every row says which generation it is of."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg2

from pipelines.warehouse.gold import GoldTable

TABLES = (
    GoldTable("daily", "One row per day.", ("day_on",), {"day_on": "The day."}),
    GoldTable("dim_things", "One row per thing.", ("thing_id",), {"thing_id": "Its id.", "tags": "Its tags."}),
    GoldTable("fct_events", "One row per event.", ("event_id", "happened_at"), {"thing_id": "What it happened to."}),
)
THINGS, EVENTS, DAYS = 50, 400, 30
MONTHLY = (*TABLES[:2], replace(TABLES[2], at="happened_at"))
"""The same, the events summed by month."""
SPREAD = (
    "update gold.fct_events set happened_at = '2025-05-01 00:00:00+00'::timestamptz + interval (event_number) month"
    " from (select event_id as event, (row_number() over (order by event_id) - 1) // 50 as event_number"
    " from gold.fct_events) as numbered where event = event_id"
)
LATE = "insert into gold.fct_events by name select 'late' as event_id, timestamptz '2024-12-31 23:59:59.9+00' as happened_at"
TIMELESS = "insert into gold.fct_events by name select 'timeless' as event_id, null::timestamptz as happened_at"
GONE = "delete from gold.fct_events where happened_at = '2025-12-01 00:00:00+00'"
CHANGED = "update gold.fct_events set amount = amount + 1 where happened_at = '2025-12-01 00:00:00+00'"
EARLIER = "update gold.fct_events set happened_at = happened_at - interval 1 second where event_id not in ('late')"
LIVES = (
    (SPREAD,),
    (SPREAD, LATE),
    (SPREAD, LATE, CHANGED),
    (
        SPREAD,
        LATE,
        GONE,
        TIMELESS,
        "update gold.fct_events set amount = 0 where happened_at = '2025-05-01 00:00:00+00'",
    ),
    (SPREAD, LATE, TIMELESS, EARLIER),
)
"""Builds one after another: events over eight months; one of long ago; a month that changes; one that goes, one that
changes and a row without a time; everything elsewhere."""
OF_MONTHS = "select event_id, happened_at, amount from gold.fct_events"


def make_build(folder: Path, generation: int, *extra: str) -> Path:
    """A build database with the gold of one generation; `extra` are statements that change it."""
    path = folder / f"build_{generation}" / "lakehouse.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema gold")
        connection.execute(f"""
            create table gold.dim_things as
            select 'thing-' || i as thing_id, 'Пісня "' || i || '" 🎵' as thing_name, [i::varchar, 'x'] as tags,
                {generation}::bigint as generation
            from range({THINGS}) as numbers(i)
        """)
        connection.execute(f"""
            create table gold.fct_events as
            select 'event-' || i as event_id, timestamptz '2026-01-01 00:00:00+00' + to_minutes(i) as happened_at,
                'thing-' || (i % {THINGS}) as thing_id, i / 7 as amount, i % 2 = 0 as is_even,
                {generation}::bigint as generation
            from range({EVENTS}) as numbers(i)
        """)
        connection.execute(f"""
            create table gold.daily as
            select date '2026-01-01' + i::integer as day_on, i::decimal(12, 3) as total,
                {generation}::bigint as generation
            from range({DAYS}) as numbers(i)
        """)
        for statement in extra:
            connection.execute(statement)
    return path


def months_of(folder: Path) -> list[tuple[object, ...]]:
    """The events of the last build of the first generation."""
    with reading(folder / "build_1" / "lakehouse.duckdb") as connection:
        connection.execute("set timezone = 'UTC'")
        return sorted(connection.execute(OF_MONTHS).fetchall())


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of a reader to a published file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def generation_of(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int, int]:
    """The generation that all tables agree on, and their rows."""
    rows = [
        connection.execute(f"select min(generation), max(generation), count(*) from gold.{table}").fetchall()[0]
        for table in ("dim_things", "fct_events", "daily")
    ]
    generations = {value for low, high, _ in rows for value in (low, high)}
    assert len(generations) == 1, f"mixed: {rows}"
    return (generations.pop(), *(count for _, _, count in rows))  # type: ignore[return-value]


def whole(generation: int) -> tuple[int, int, int, int]:
    return (generation, THINGS, EVENTS, DAYS)


def plain_candidate(_project: object, connection: Mapping[str, str]) -> None:
    """Makes the candidate from the landing by plain SQL, as quickly as can be."""
    with closing(psycopg2.connect("", **connection)) as own, own, own.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind in ('r', 'v')"
            " and relname !~ '__came$'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute("create schema candidate")
        for table in tables:
            cursor.execute(f"create table candidate.{table} as table landing.{table}")
