"""The DuckDB file as warehouse: old or new, whole."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse import Reconciliation, RunRecord, TableState
from pipelines.warehouse.embedded import EmbeddedWarehouse
from pipelines.warehouse.gold_file import GoldFile
from sources.problem import Problem, RedAudit, UsageProblem
from tests.pipelines.warehouse.synthetic import (
    EVENTS,
    LIVES,
    MONTHLY,
    OF_MONTHS,
    SPREAD,
    TABLES,
    generation_of,
    make_build,
    months_of,
    reading,
    whole,
)

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RUN = RunRecord("r1", NOON, NOON, "published", 0, 10, 1.5)


@pytest.fixture
def warehouse(tmp_path: Path) -> EmbeddedWarehouse:
    return EmbeddedWarehouse(tmp_path / "place" / "warehouse.duckdb", "dev")


@pytest.fixture
def publish(warehouse: EmbeddedWarehouse, tmp_path: Path) -> Callable[..., None]:
    def publish(number: int, *extra: str, migrate: bool = False) -> None:
        warehouse.publish(make_build(tmp_path, number, *extra), f"r{number}", f"f{number}", TABLES, migrate)

    return publish


def seen(warehouse: EmbeddedWarehouse) -> tuple[int, int, int, int]:
    with reading(warehouse.path) as connection:
        return generation_of(connection)


def test_nothing_is_published_before_the_first_publish(warehouse: EmbeddedWarehouse) -> None:
    assert warehouse.published() is None


def test_a_publish_shows_the_whole_build(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    publish(1)
    published = warehouse.published()
    assert published
    assert (published.run_id, published.fingerprint, published.profile) == ("r1", "f1", "dev")
    assert published.tables["fct_events"].rows == EVENTS
    assert seen(warehouse) == whole(1)


def test_the_key_checksum_is_that_of_the_contract(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    from hashlib import md5

    publish(1)
    published = warehouse.published()
    assert published
    keys = [f"thing-{number}" for number in range(50)]
    wanted = sum(int(md5(key.encode(), usedforsecurity=False).hexdigest()[:15], 16) for key in keys)
    assert published.tables["dim_things"].key_checksum == wanted


def test_a_reader_with_the_old_file_open_keeps_it(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    publish(1)
    with reading(warehouse.path) as old:
        publish(2)
        assert generation_of(old) == whole(1)
    assert seen(warehouse) == whole(2)


def test_an_open_writing_shell_does_not_block_a_publish(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    publish(1)
    shell = duckdb.connect(str(warehouse.path))
    shell.execute("create table mine as select 1 as n")  # leaves a write-ahead log beside the file
    publish(2)
    assert shell.execute("select * from mine").fetchall() == [(1,)]
    shell.close()
    assert seen(warehouse) == whole(2)


def test_a_rollback_goes_back_and_a_publish_goes_forward(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    publish(1)
    publish(2)
    assert warehouse.rollback().run_id == "r1"
    assert seen(warehouse) == whole(1)
    back = warehouse.published()
    assert back
    assert back.held_back == "f2"
    publish(2)
    forward = warehouse.published()
    assert forward
    assert (forward.run_id, forward.held_back) == ("r2", None)
    assert seen(warehouse) == whole(2)


@pytest.mark.parametrize("change", ["drop column total", "alter column total type double", "add column fresh bigint"])
def test_a_rollback_brings_back_the_columns_that_were(
    change: str, warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    publish(1)
    with reading(warehouse.path) as connection:
        before = connection.execute("describe gold.daily").fetchall()
    publish(2, f"alter table gold.daily {change}", migrate=True)
    warehouse.rollback()
    assert seen(warehouse) == whole(1)
    with reading(warehouse.path) as connection:
        assert connection.execute("describe gold.daily").fetchall() == before


def test_a_second_rollback_in_a_row_is_refused(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    publish(1)
    publish(2)
    warehouse.rollback()
    with pytest.raises(Problem, match="no generation before"):
        warehouse.rollback()
    assert seen(warehouse) == whole(1)


def test_only_this_generation_and_the_one_before_are_kept(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    for number in range(1, 5):
        publish(number)
    assert sorted(file.name for file in warehouse.generations.glob("*.duckdb")) == ["r3.duckdb", "r4.duckdb"]
    warehouse.rollback()
    publish(5)
    assert sorted(file.name for file in warehouse.generations.glob("*.duckdb")) == ["r3.duckdb", "r5.duckdb"]


def test_a_new_column_goes_last(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    publish(1)
    publish(2, "create or replace table gold.daily as select 7 as fresh, * from gold.daily")
    with reading(warehouse.path) as connection:
        columns = [row[0] for row in connection.execute("describe gold.daily").fetchall()]
    assert columns == ["day_on", "total", "generation", "fresh"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("alter table gold.daily drop column total", "daily: total goes"),
        ("alter table gold.daily alter column total type double", r"total changes from DECIMAL\(12,3\) to DOUBLE"),
    ],
)
def test_a_change_that_breaks_readers_needs_migrate(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None], change: str, named: str
) -> None:
    publish(1)
    with pytest.raises(Problem, match=named):
        publish(2, change)
    assert seen(warehouse) == whole(1)
    publish(2, change, migrate=True)
    assert seen(warehouse) == whole(2)


def test_rows_that_do_not_arrive_are_a_red_audit(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(1)
    measured = GoldFile._measured

    def lossy(file: GoldFile) -> dict[str, TableState]:
        file.connection.execute("delete from warehouse.gold.fct_events where event_id = 'event-7'")
        return measured(file)

    monkeypatch.setattr(GoldFile, "_measured", lossy)
    with pytest.raises(RedAudit, match=f"fct_events has {EVENTS - 1} rows of {EVENTS}"):
        publish(2)
    assert seen(warehouse) == whole(1)


def test_another_profile_cannot_write_here(warehouse: EmbeddedWarehouse, tmp_path: Path) -> None:
    warehouse.publish(make_build(tmp_path, 1), "r1", "f1", TABLES)
    with pytest.raises(UsageProblem, match="DESTINATION__WAREHOUSE__CREDENTIALS"):
        EmbeddedWarehouse(warehouse.path, "prod").publish(make_build(tmp_path, 2), "r2", "f2", TABLES)
    with pytest.raises(UsageProblem, match="published by the profile dev"):
        EmbeddedWarehouse(warehouse.path, "prod").record_reconciliation([])


def test_a_file_of_somebody_else_is_kept(warehouse: EmbeddedWarehouse, publish: Callable[..., None]) -> None:
    warehouse.path.parent.mkdir()
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("create table precious as select 42 as n")
    publish(1)
    with duckdb.connect(str(warehouse.path.with_name("warehouse.duckdb.before-r1"))) as connection:
        assert connection.execute("from precious").fetchall() == [(42,)]


def test_runs_are_told_whether_something_is_published_or_not(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    warehouse.record_run(replace(RUN, run_id="r0", state="red", exit_code=3))
    with duckdb.connect() as connection:
        warehouse.attach(connection)
        assert connection.execute("select run_id, state, exit_code from ops.pipeline_runs").fetchall() == [
            ("r0", "red", 3)
        ]
    publish(1)
    warehouse.record_run(RUN)
    warehouse.record_reconciliation([Reconciliation("r1", "daily", "gold", 30, 10**37, True)])
    with reading(warehouse.path) as connection:
        connection.execute("set timezone = 'UTC'")
        assert connection.execute("select run_id, started_at from ops.pipeline_runs order by 1").fetchall() == [
            ("r0", NOON), ("r1", NOON),
        ]  # fmt: skip
        assert connection.execute("select key_checksum, explained from ops.reconciliation").fetchall() == [
            (10**37, True)
        ]


def test_a_run_recorded_twice_counts_once_and_a_torn_line_harms_nothing(warehouse: EmbeddedWarehouse) -> None:
    warehouse.record_run(replace(RUN, state="failed"))
    with (warehouse.ops / "pipeline_runs.jsonl").open("a") as file:
        file.write('{"run_id": "to')
    warehouse.record_run(RUN)
    with duckdb.connect() as connection:
        warehouse.attach(connection)
        assert connection.execute("select run_id, state from ops.pipeline_runs").fetchall() == [("r1", "published")]


def test_a_generation_is_counted_when_the_newest_count_of_it_agrees(warehouse: EmbeddedWarehouse) -> None:
    row = Reconciliation("r2", "daily", "published", 30, 10**37, True)
    assert not warehouse.is_counted("r2")
    warehouse.record_reconciliation([replace(row, run_id="r1"), replace(row, station="gold")])
    assert not warehouse.is_counted("r2")
    warehouse.record_reconciliation([row, replace(row, table_name="weekly", explained=False)])
    assert not warehouse.is_counted("r2")
    with (warehouse.ops / "reconciliation.jsonl").open("a") as file:
        file.write('{"run_id": "to')
    warehouse.record_reconciliation([replace(row, run_id="r3")])
    assert warehouse.is_counted("r2")


def test_only_the_months_that_changed_are_made_again(warehouse: EmbeddedWarehouse, tmp_path: Path) -> None:
    for number, statements in enumerate(LIVES, start=1):
        made = warehouse.publish(make_build(tmp_path, 1, *statements), f"r{number}", f"f{number}", MONTHLY)
        with reading(warehouse.path) as connection:
            connection.execute("set timezone = 'UTC'")
            assert sorted(connection.execute(OF_MONTHS).fetchall()) == months_of(tmp_path), number
            said = connection.execute("select distinct comment from duckdb_tables() where schema_name = 'gold'")
            assert {text for (text,) in said.fetchall()} == {table.description for table in MONTHLY}
        assert len(made.tables["fct_events"].months) > 7


def test_a_file_that_somebody_changed_is_no_ground_for_the_next_generation(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None]
) -> None:
    publish(1)
    same = "create or replace table gold.dim_things as select * replace (1::bigint as generation) from gold.dim_things"
    for damage in (
        "update gold.dim_things set tags = []",
        "alter table gold.dim_things drop column tags",
        "alter table gold.dim_things drop column thing_id",
        "drop table gold.dim_things",
        "drop schema gold cascade",
    ):
        number = int(str(warehouse.published().run_id)[1:]) + 1  # type: ignore[union-attr]
        with duckdb.connect(str(warehouse.path)) as shell:
            shell.execute(damage)
            shell.execute("checkpoint")
        publish(number, same)
        with reading(warehouse.path) as connection:
            tags = connection.execute(
                "select count(*), min(len(tags)), max(generation) from gold.dim_things"
            ).fetchall()
            assert tags == [(50, 2, 1)], damage


def test_a_file_does_not_grow_with_the_number_of_publishes(warehouse: EmbeddedWarehouse, tmp_path: Path) -> None:
    more = "insert into gold.fct_events by name select 'event-' || i as event_id, timestamptz '{}' as happened_at"
    sizes = []
    for number in range(12):
        old = f"{more.format('2025-06-05 00:00:00+00')} from range(10000, 60000) as ids (i)"
        new = f"{more.format('2025-12-05 00:00:00+00')} from range({1000 + number}, {6000 + number}) as ids (i)"
        build = make_build(tmp_path, 1, SPREAD, old, new)
        warehouse.publish(build, f"r{number}", f"f{number}", MONTHLY)
        sizes.append(warehouse.path.stat().st_size)
    assert sizes[-1] < 1.5 * sizes[0], sizes


def test_a_publish_killed_anywhere_leaves_a_whole_generation(
    warehouse: EmbeddedWarehouse, publish: Callable[..., None], tmp_path: Path
) -> None:
    publish(1)
    script = (
        "import sys; from pathlib import Path; from pipelines.warehouse.embedded import EmbeddedWarehouse as W\n"
        "from tests.pipelines.warehouse.synthetic import TABLES\n"
        "print('ready', flush=True); W(Path(sys.argv[1]), 'dev')"
        ".publish(Path(sys.argv[2]), sys.argv[3], sys.argv[3], TABLES)"
    )
    for number in range(2, 10):
        build = make_build(tmp_path, number)
        command = [sys.executable, "-c", script, str(warehouse.path), str(build), f"k{number}"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout
            assert child.stdout.readline()
            time.sleep(0.02 * number)
            child.send_signal(signal.SIGKILL)
        published = warehouse.published()
        assert published
        assert seen(warehouse) == whole(int(published.run_id[1:]))
        publish(number + 100)
        assert seen(warehouse) == whole(number + 100)
        assert len(list(warehouse.generations.iterdir())) == 4
