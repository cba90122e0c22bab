"""Postgres as warehouse: what readers see, what survives, what is refused.

The candidate is made by plain SQL here, so that a publish takes a fraction of a second; test_serve.py has dbt make it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from pipelines.warehouse import Reconciliation, RunRecord, landing
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers.postgres import Postgres
from sources.problem import Problem, RedAudit, UsageProblem
from tests.pipelines.warehouse.synthetic import (
    DAYS,
    EVENTS,
    LIVES,
    MONTHLY,
    OF_MONTHS,
    TABLES,
    THINGS,
    make_build,
    months_of,
    plain_candidate,
    whole,
)

pytestmark = pytest.mark.servers
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = RunRecord("r1", NOON, NOON, "published", 0, 10, 1.5)
STATE = """
select min(generation), max(generation), count(*) from gold.dim_things
union all select min(generation), max(generation), count(*) from gold.fct_events
union all select min(generation), max(generation), count(*) from gold.daily
"""


@dataclass
class Place:
    """A warehouse, the URL of its database, and how to publish to it."""

    url: str
    folder: Path
    warehouse: PostgresWarehouse

    def publish(self, number: int, *extra: str, migrate: bool = False) -> None:
        build = make_build(self.folder, number, *extra)
        self.warehouse.publish(build, f"R{number}", f"f{number}", TABLES, migrate)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def seen(self) -> tuple[int, ...]:
        return state(self.execute(STATE))

    def schemas(self) -> list[str]:
        return [row[0] for row in self.execute("select nspname from pg_namespace where nspname ~ '^gold_' order by 1")]


def state(rows: list[tuple[Any, ...]]) -> tuple[int, ...]:
    generations = {value for low, high, _ in rows for value in (low, high)}
    assert len(generations) == 1, f"mixed: {rows}"
    return (generations.pop(), *(count for _, _, count in rows))


@pytest.fixture
def place(postgres: Postgres, tmp_path: Path) -> Place:
    url = postgres.fresh()
    return Place(url, tmp_path, PostgresWarehouse(url, "dev", Project(tmp_path, tmp_path, tmp_path), plain_candidate))


@contextmanager
def session(place: Place, isolation: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """A reader's transaction, open from the first statement to the end."""
    with closing(psycopg2.connect(place.url)) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level=isolation)

        def ask(query: str) -> list[tuple[Any, ...]]:
            cursor.execute(query)
            return cursor.fetchall()

        yield ask


def test_nothing_is_published_before_the_first_publish(place: Place) -> None:
    assert place.warehouse.published() is None
    assert place.warehouse.check().endswith("nothing published yet")


def test_a_publish_shows_the_whole_build(place: Place) -> None:
    place.publish(1)
    published = place.warehouse.published()
    assert published
    assert (published.run_id, published.fingerprint, published.profile, published.previous) == ("R1", "f1", "dev", None)
    assert published.tables["fct_events"].rows == EVENTS
    assert place.seen() == whole(1)
    assert place.execute("select thing_name, tags from gold.dim_things where thing_id = 'thing-7'") == [
        ('Пісня "7" 🎵', ["7", "x"])
    ]


def test_nothing_but_gold_is_left_after_a_publish(place: Place) -> None:
    place.publish(1)
    left = place.execute("select nspname from pg_namespace where nspname !~ '^pg_' order by 1")
    assert [row[0] for row in left] == ["gold", "gold_r1", "information_schema", "public", "publication"]


def test_publishing_what_is_published_does_nothing(place: Place) -> None:
    place.publish(1)
    place.publish(1)
    assert place.schemas() == ["gold_r1"]


def test_a_repeatable_reader_opened_before_sees_the_old_generation_whole(place: Place) -> None:
    place.publish(1)
    with session(place, "REPEATABLE READ") as ask:
        ask("select 1")  # the snapshot is taken, no mart is touched yet
        for number in (2, 3, 4):
            place.publish(number)
        assert state(ask(STATE)) == whole(1)
    assert place.seen() == whole(4)


def test_a_generation_is_dropped_when_no_snapshot_needs_it(place: Place) -> None:
    place.publish(1)
    with session(place, "REPEATABLE READ") as ask:
        ask("select 1")
        for number in (2, 3, 4):
            place.publish(number)
        assert place.schemas() == ["gold_r1", "gold_r2", "gold_r3", "gold_r4"]
    place.publish(5)
    assert place.schemas() == ["gold_r4", "gold_r5"]


def test_views_grants_and_comments_of_users_survive(place: Place) -> None:
    place.publish(1)
    place.execute(
        "create role reader_of_gold",
        "grant usage on schema gold to reader_of_gold",
        "grant select on gold.daily to reader_of_gold",
        "create schema mine",
        "create view mine.totals as select day_on, total, generation from gold.daily",
        "create view mine.more as select count(*) as n, max(generation) as generation from mine.totals",
    )
    for number in (2, 3, 4):
        place.publish(number)
        assert place.execute("select n, generation from mine.more") == [(DAYS, number)]
    assert place.execute("select has_table_privilege('reader_of_gold', 'gold.daily', 'select')") == [(True,)]
    place.execute("drop owned by reader_of_gold", "drop role reader_of_gold")


def test_a_new_column_goes_last_and_is_null_in_the_old_generation(place: Place) -> None:
    place.publish(1)
    with session(place, "REPEATABLE READ") as ask:
        ask("select 1")
        place.publish(2, "create or replace table gold.daily as select 7::bigint as fresh, * from gold.daily")
        assert ask("select distinct fresh, generation from gold.daily") == [(None, 1)]
    columns = place.execute(
        "select attname from pg_attribute where attrelid = 'gold.daily'::regclass and attnum > 0 order by attnum"
    )
    assert [row[0] for row in columns] == ["day_on", "total", "generation", "fresh"]
    assert place.execute("select distinct fresh from gold.daily") == [(7,)]
    place.warehouse.rollback()
    assert place.execute("select distinct fresh, generation from gold.daily") == [(None, 1)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("alter table gold.daily drop column total", "daily: total goes"),
        ("alter table gold.daily alter column total type double", r"total changes from numeric\(12,3\) to double"),
    ],
)
def test_a_change_that_breaks_readers_is_refused(place: Place, change: str, named: str) -> None:
    place.publish(1)
    with pytest.raises(Problem, match=named):
        place.publish(2, change)
    assert place.seen() == whole(1)
    published = place.warehouse.published()
    assert published
    assert published.run_id == "R1"


def test_what_users_put_into_gold_is_theirs(place: Place) -> None:
    place.publish(1)
    place.execute(
        "create view gold.favourites as select day_on, generation from gold.daily",
        "create table gold.notes (note text)",
    )
    place.publish(2)
    place.publish(3, "alter table gold.daily drop column total", migrate=True)
    assert place.execute("select max(generation) from gold.favourites") == [(3,)]
    assert place.execute("select to_regclass('gold.notes')::text") == [("gold.notes",)]
    place.warehouse.rollback()
    assert place.execute("select max(generation) from gold.favourites") == [(2,)]


def test_a_name_in_gold_that_is_a_user_s_own_is_not_taken(place: Place) -> None:
    publish = partial(place.warehouse.publish, make_build(place.folder, 1))
    publish("R1", "f1", TABLES[1:])
    place.execute("create view gold.daily as select 7 as mine")
    for migrate in (False, True):
        with pytest.raises(Problem, match=r"gold\.daily is somebody's own"):
            publish("R2", "f2", TABLES, migrate)
    assert place.execute("select mine from gold.daily") == [(7,)]


def test_what_a_release_added_and_a_rollback_took_away_may_stay_away(place: Place) -> None:
    before = make_build(place.folder, 1)
    place.warehouse.publish(before, "R1", "f1", TABLES[:2])
    place.publish(2, "alter table gold.daily add column fresh bigint", "update gold.daily set fresh = 7")
    place.execute("create view public.days as select day_on, fresh from gold.daily")
    place.warehouse.rollback()
    place.warehouse.publish(make_build(place.folder, 3), "R3", "f3", TABLES[:2])
    assert place.execute("select distinct fresh, to_regclass('gold.fct_events') from gold.daily") == [(None, None)]
    assert place.execute("select count(*), count(fresh) from public.days") == [(DAYS, 0)]
    place.publish(4, "alter table gold.daily add column fresh bigint", "update gold.daily set fresh = 8")
    assert place.execute("select distinct fresh from public.days") == [(8,)]
    assert place.seen() == whole(4)
    with pytest.raises(Problem, match="daily: fresh goes"):
        place.publish(5)


@pytest.mark.parametrize("change", ["drop column total", "alter column total type double", "add column fresh bigint"])
def test_a_rollback_brings_back_the_columns_that_were(place: Place, change: str) -> None:
    place.publish(1)
    columns = "select attname, atttypid from pg_attribute where attrelid = 'gold.daily'::regclass and attnum > 0"
    before = set(place.execute(f"{columns} and not attisdropped"))
    place.publish(2, f"alter table gold.daily {change}", migrate=True)
    place.warehouse.rollback()
    assert place.seen() == whole(1)
    assert before <= set(place.execute(f"{columns} and not attisdropped"))


def test_a_migration_makes_the_views_of_users_again(place: Place) -> None:
    place.publish(1)
    place.execute(
        "create role reader_of_mine",
        "grant select on gold.daily to reader_of_mine",
        "create view public.days as select day_on, generation from gold.daily",
        "create view public.last_day as select max(day_on) as day_on, max(generation) as generation from public.days",
        "grant select on public.last_day to reader_of_mine",
        "comment on view public.last_day is 'mine'",
    )
    place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.seen() == whole(2)
    assert place.execute("select generation from public.last_day") == [(2,)]
    assert place.execute(
        "select has_table_privilege('reader_of_mine', 'gold.daily', 'select'),"
        " has_table_privilege('reader_of_mine', 'public.last_day', 'select'),"
        " obj_description('public.last_day'::regclass)"
    ) == [(True, True, "mine")]
    place.execute("drop owned by reader_of_mine", "drop role reader_of_mine")


def test_a_migration_leaves_a_view_of_a_user_in_its_schema(place: Place) -> None:
    place.publish(1)
    place.execute(
        "create schema postgres",  # the first of the path, where the user is called so
        "create view public.days as select day_on, generation from gold.daily",
        "create view postgres.days as select 7 as mine",
    )
    place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.execute("select max(generation) from public.days") == [(2,)]
    assert place.execute("select mine from postgres.days") == [(7,)]


def test_a_migration_keeps_all_that_belongs_to_a_view_of_a_user(place: Place) -> None:
    place.publish(1)
    place.execute(
        "create role reader_of_days",
        "create view public.days with (security_invoker = true, security_barrier = true) as"
        " select day_on, generation from gold.daily",
        "comment on column public.days.day_on is 'my words'",
        "alter view public.days alter column generation set default 7",
        "grant select (day_on) on public.days to reader_of_days with grant option",
        "grant select (day_on), select (total) on gold.daily to reader_of_days",
        "alter view gold.daily set (security_barrier = true)",
    )
    kept = """
        select oid::regclass::text, reloptions, col_description(oid, 1),
            array(select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = pg_class.oid),
            has_column_privilege('reader_of_days', oid, 'day_on', 'select with grant option'),
            has_column_privilege('reader_of_days', oid, 'day_on', 'select')
        from pg_class where oid in ('public.days'::regclass, 'gold.daily'::regclass) order by 1
    """
    before = place.execute(kept)
    assert before[0][1:3] == (["security_invoker=true", "security_barrier=true"], "my words")
    place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.execute(kept) == before
    place.execute("drop owned by reader_of_days", "drop role reader_of_days")


@pytest.mark.parametrize("view", ["public.days", "gold.daily"])
def test_a_migration_never_drops_rules_and_triggers(place: Place, view: str) -> None:
    place.publish(1)
    place.execute(
        "create view public.days as select day_on, generation from gold.daily",
        f"create rule forbidden as on insert to {view} do instead nothing",
    )
    with pytest.raises(Problem, match=f"rules and triggers of {view}: drop them first"):
        place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.execute("select count(*) from pg_rules where rulename = 'forbidden'") == [(1,)]


def test_a_migration_that_would_break_a_view_of_a_user_is_refused_and_names_it(place: Place) -> None:
    place.publish(1)
    place.execute("create view public.totals as select sum(total) as total from gold.daily")
    with pytest.raises(Problem, match=r"would break public\.totals: .*total.* does not exist"):
        place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.seen() == whole(1)
    assert place.execute("select total from public.totals") == [(sum(range(DAYS)),)]


def test_a_migration_never_drops_a_materialized_view(place: Place) -> None:
    place.publish(1)
    place.execute("create materialized view public.kept as select day_on from gold.daily")
    with pytest.raises(Problem, match=r"Drop public\.kept first"):
        place.publish(2, "alter table gold.daily drop column total", migrate=True)
    assert place.execute("select count(*) from public.kept") == [(DAYS,)]


def test_a_table_that_goes_needs_migrate(place: Place) -> None:
    place.publish(1)
    build = make_build(place.folder, 2)
    with pytest.raises(Problem, match="daily: the table goes"):
        place.warehouse.publish(build, "R2", "f2", TABLES[1:])
    place.warehouse.publish(build, "R2", "f2", TABLES[1:], migrate=True)
    assert place.execute("select to_regclass('gold.daily')") == [(None,)]


def test_a_rollback_goes_back_and_a_publish_goes_forward(place: Place) -> None:
    place.publish(1)
    place.publish(2)
    back = place.warehouse.rollback()
    assert (back.run_id, back.held_back) == ("R1", "f2")
    assert place.seen() == whole(1)
    with pytest.raises(Problem, match="no generation before"):
        place.warehouse.rollback()
    place.publish(2)
    forward = place.warehouse.published()
    assert forward
    assert (forward.run_id, forward.previous, forward.held_back) == ("R2", "R1", None)
    assert place.seen() == whole(2)
    assert place.schemas() == ["gold_r1", "gold_r2"]


def test_a_build_after_a_rollback_replaces_the_one_that_was_taken_away(place: Place) -> None:
    place.publish(1)
    place.publish(2)
    place.warehouse.rollback()
    place.publish(3)
    assert place.seen() == whole(3)
    assert place.schemas() == ["gold_r1", "gold_r3"]


def test_an_unchanged_table_does_not_travel(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    travelled: list[str] = []
    copy = landing.copy

    def noting(build: Path, connection: Mapping[str, str], routes: Mapping[str, landing.Route]) -> int:
        travelled[:] = [name for name, way in routes.items() if way.travels]
        return copy(build, connection, routes)

    monkeypatch.setattr(landing, "copy", noting)
    place.publish(1)
    assert travelled == ["daily", "dim_things", "fct_events"]
    same = "create or replace table gold.dim_things as select * replace (1::bigint as generation) from gold.dim_things"
    place.publish(2, same)
    assert travelled == ["daily", "fct_events"]
    place.publish(3, same)
    assert place.execute("select count(*), max(generation) from gold.dim_things") == [(50, 1)]


def test_of_a_table_that_keeps_its_past_the_months_that_changed_travel(place: Place, caplog: Any) -> None:
    caplog.set_level("INFO", "lakehouse.warehouse")
    for number, statements in enumerate(LIVES, start=1):
        place.warehouse.publish(make_build(place.folder, 1, *statements), f"R{number}", f"f{number}", MONTHLY)
        assert sorted(place.execute(OF_MONTHS)) == months_of(place.folder), number
    travelled = [int(message.split()[2]) for message in caplog.messages if message.startswith("publish: landed")]
    assert travelled == [THINGS + EVENTS + DAYS, 1, 50, 51, EVENTS + 2]


def test_rows_lost_among_the_months_that_travel_are_a_red_audit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.warehouse.publish(make_build(place.folder, 1, *LIVES[0]), "R1", "f1", MONTHLY)
    copy = landing.copy

    def lossy(build: Path, connection: Mapping[str, str], routes: Mapping[str, landing.Route]) -> int:
        rows = copy(build, connection, routes)
        place.execute("delete from landing.fct_events__came where event_id = 'late'")
        return rows

    monkeypatch.setattr(landing, "copy", lossy)
    with pytest.raises(RedAudit, match=f"fct_events has {EVENTS} rows of {EVENTS + 1}"):
        place.warehouse.publish(make_build(place.folder, 1, *LIVES[1]), "R2", "f2", MONTHLY)


def test_rows_lost_on_the_way_are_a_red_audit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.publish(1)
    copy = landing.copy

    def lossy(build: Path, connection: Mapping[str, str], routes: Mapping[str, landing.Route]) -> int:
        rows = copy(build, connection, routes)
        place.execute("delete from landing.fct_events where event_id = 'event-7'")
        return rows

    monkeypatch.setattr(landing, "copy", lossy)
    with pytest.raises(RedAudit, match=f"fct_events has {EVENTS - 1} rows of {EVENTS}"):
        place.publish(2)
    assert place.seen() == whole(1)


def test_keys_changed_on_the_way_are_a_red_audit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = landing.copy

    def forging(build: Path, connection: Mapping[str, str], routes: Mapping[str, landing.Route]) -> int:
        rows = copy(build, connection, routes)
        place.execute("update landing.fct_events set event_id = 'other' where event_id = 'event-7'")
        return rows

    monkeypatch.setattr(landing, "copy", forging)
    with pytest.raises(RedAudit, match="fct_events has other keys"):
        place.publish(1)


def test_the_stale_catalog_of_duckdb_that_loses_rows_in_silence_is_caught(place: Place) -> None:
    build = make_build(place.folder, 1)
    built = landing.measure_build(build, TABLES)
    with duckdb.connect() as stale:
        landing.attach_postgres(stale, place.warehouse._parameters("test"), "schema 'public'")
        stale.execute(f"attach '{build}' as build (read_only)")
        place.execute("create schema landing")
        for table in TABLES:
            stale.execute(f"create table warehouse.public.{table.name} as from build.gold.{table.name}")
        place.execute("drop table public.daily")  # by somebody else: DuckDB still believes in it
        stale.execute("create table warehouse.public.daily as from build.gold.daily")
    assert place.execute("select count(*) from public.daily") == [(0,)]
    with pytest.raises(RedAudit, match=f"daily has 0 rows of {DAYS}"):
        place.warehouse._compare(psycopg2.connect(place.url), "public", TABLES, built)


@pytest.mark.parametrize("kind", ["hugeint", "struct(a integer)", "map(varchar, varchar)", "ubigint"])
def test_a_type_that_postgres_would_change_is_refused(place: Place, kind: str) -> None:
    with pytest.raises(Problem, match=r"daily\.odd is .* Cast to bigint"):
        place.publish(1, f"alter table gold.daily add column odd {kind}")


def test_a_red_candidate_leaves_everything(place: Place) -> None:
    place.publish(1)

    def red(project: Project, connection: Mapping[str, str]) -> None:
        plain_candidate(project, connection)
        raise RedAudit("red")

    with pytest.raises(RedAudit):
        PostgresWarehouse(place.url, "dev", place.warehouse.project, red).publish(
            make_build(place.folder, 2), "R2", "f2", TABLES
        )
    assert place.seen() == whole(1)
    place.publish(3)
    assert place.seen() == whole(3)


def test_connections_lost_in_the_middle_are_a_problem_and_the_next_publish_succeeds(place: Place) -> None:
    place.publish(1)

    def lost(project: Project, connection: Mapping[str, str]) -> None:
        plain_candidate(project, connection)
        place.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'lakehouse-publisher' and datname = current_database()"
        )

    flaky = PostgresWarehouse(place.url, "dev", place.warehouse.project, lost)
    with pytest.raises(Problem, match=r"The warehouse failed: .* DESTINATION__WAREHOUSE__CREDENTIALS"):
        flaky.publish(make_build(place.folder, 2), "R2", "f2", TABLES)
    assert place.seen() == whole(1)
    place.publish(2)
    assert place.seen() == whole(2)


def test_who_may_not_publish_any_more_when_all_is_made_shows_nothing(place: Place) -> None:
    place.publish(1)
    made: list[object] = []

    def watched(project: Project, connection: Mapping[str, str]) -> None:
        plain_candidate(project, connection)
        made.append(project)

    def permit() -> None:
        assert made, "asked before the work is done"
        raise Problem("another machine")

    late = PostgresWarehouse(place.url, "dev", place.warehouse.project, watched)
    with pytest.raises(Problem, match="another machine"):
        late.publish(make_build(place.folder, 2), "R2", "f2", TABLES, permit=permit)
    assert place.seen() == whole(1)
    place.publish(3)
    assert place.seen() == whole(3)


def test_two_publishes_at_once_do_not_mix(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.warehouse import postgres as module

    monkeypatch.setattr(module, "LOCK_SECONDS", 0.2)
    place.publish(1)

    def second(project: Project, connection: Mapping[str, str]) -> None:
        plain_candidate(project, connection)
        with pytest.raises(Problem, match="Another publish"):
            place.publish(3)

    first = PostgresWarehouse(place.url, "dev", place.warehouse.project, second)
    first.publish(make_build(place.folder, 2), "R2", "f2", TABLES)
    assert place.seen() == whole(2)


def test_readers_that_never_let_go_make_the_publish_give_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.warehouse import promote

    monkeypatch.setattr(promote, "WAIT_SECONDS", 1.0)
    place.publish(1)
    with session(place, "READ COMMITTED") as ask:
        ask("select count(*) from gold.daily")
        with pytest.raises(Problem, match=r"Readers held the tables of gold .* process \d+"):
            place.publish(2)
        assert state(ask(STATE)) == whole(1)
    place.publish(3)
    assert place.seen() == whole(3)


def test_another_profile_cannot_write_here(place: Place) -> None:
    place.publish(1)
    other = PostgresWarehouse(place.url, "prod", place.warehouse.project, plain_candidate)
    with pytest.raises(UsageProblem, match="DESTINATION__WAREHOUSE__CREDENTIALS"):
        other.publish(make_build(place.folder, 2), "R2", "f2", TABLES)
    with pytest.raises(UsageProblem, match="published by the profile dev"):
        other.record_run(RUN)
    with pytest.raises(UsageProblem, match="published by the profile dev"):
        other.rollback()


def test_runs_and_stations_are_told_whatever_the_end(place: Place) -> None:
    place.warehouse.record_run(replace(RUN, state="failed", exit_code=1))
    place.warehouse.record_run(RUN)
    row = Reconciliation("r1", "daily", "gold", 30, 10**37, True)
    place.warehouse.record_reconciliation([row])
    place.warehouse.record_reconciliation([replace(row, rows=31)])
    assert place.execute("select run_id, started_at, state, exit_code from ops.pipeline_runs") == [
        ("r1", NOON, "published", 0)
    ]
    assert place.execute("select rows, key_checksum, explained from ops.reconciliation") == [(31, 10**37, True)]


def test_a_generation_is_counted_when_the_newest_count_of_it_agrees(place: Place) -> None:
    row = Reconciliation("r2", "daily", "published", 30, 10**37, True)
    assert not place.warehouse.is_counted("r2")
    place.warehouse.record_reconciliation([replace(row, run_id="r1"), replace(row, station="gold")])
    assert not place.warehouse.is_counted("r2")
    place.warehouse.record_reconciliation([row, replace(row, table_name="weekly", explained=False)])
    assert not place.warehouse.is_counted("r2")
    place.warehouse.record_reconciliation([replace(row, run_id="r3")])
    assert place.warehouse.is_counted("r2")


def test_duckdb_reads_what_is_published(place: Place) -> None:
    place.publish(1)
    place.warehouse.record_run(RUN)
    with duckdb.connect() as connection:
        assert place.warehouse.attach(connection) == ["warehouse.gold", "warehouse.ops"]
        connection.execute("set search_path = 'warehouse.gold,warehouse.ops'")
        assert connection.execute("select count(*) from gold.fct_events").fetchall() == [(EVENTS,)]
        assert connection.execute("select state from ops.pipeline_runs").fetchall() == [("published",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("delete from warehouse.ops.pipeline_runs")
        assert "postgres:postgres" not in str(connection.execute("from duckdb_databases()").fetchall())


def test_a_warehouse_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    gone = PostgresWarehouse("postgresql://me:hunter2@127.0.0.1:9/none", "dev", Project(tmp_path, tmp_path, tmp_path))
    with pytest.raises(Problem, match="DESTINATION__WAREHOUSE__CREDENTIALS") as told:
        gone.published()
    assert "hunter2" not in str(told.value)
