"""Gold of two environments, compared row by row and column by column."""

import argparse
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import diff
from pipelines.settings import load
from sandbox.servers.postgres import Postgres
from sources.problem import Problem, UsageProblem
from tests.environment import ROOT, SURROUNDINGS, Environment

DAYS = "played_on date, plays bigint, ms_played bigint, last_at timestamptz, names varchar[]"
ROWS = {
    "2026-01-01": (1, 100, "2026-01-01 10:00:00+00", ["a"]),
    "2026-01-02": (2, 200, "2026-01-02 10:00:00+00", None),
    "2026-01-03": (3, None, "2026-01-03 10:00:00+00", ["c", "d"]),
}
KEYS = {"daily": ["played_on"]}


def publish(path: Path, rows: dict[str, tuple[object, ...]] = ROWS, *extra: str) -> str:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema gold")
        connection.execute(f"create table gold.daily ({DAYS})")
        for day, values in rows.items():
            connection.execute("insert into gold.daily values (?, ?, ?, ?, ?)", [day, *values])
        for statement in extra:
            connection.execute(statement)
    return str(path)


def test_the_same_gold_is_the_same(tmp_path: Path) -> None:
    found = diff.compare(publish(tmp_path / "a.duckdb"), publish(tmp_path / "b.duckdb"), KEYS)
    assert [item.is_none for item in found] == [True]
    assert list(diff.render(found, ("a", "b"))) == ["1 of 1 tables are the same in a and b"]


def test_rows_and_columns_that_differ_are_counted(tmp_path: Path) -> None:
    changed = {
        "2026-01-01": (1, 101, "2026-01-01 10:00:00+00", ["b"]),
        "2026-01-03": (3, 300, "2026-01-03 10:00:00+00", ["c", "d"]),
        "2026-01-04": (4, 400, "2026-01-04 10:00:00+00", []),
        "2026-01-05": (5, 500, "2026-01-05 10:00:00+00", []),
    }
    right = publish(
        tmp_path / "b.duckdb",
        changed,
        "alter table gold.daily add column artists bigint",
        "create table gold.new (n int)",
    )
    daily, new = diff.compare(publish(tmp_path / "a.duckdb"), right, KEYS)
    assert (daily.left, daily.right, daily.added, daily.removed, daily.changed) == (3, 4, 2, 1, 2)
    assert daily.columns == {"ms_played": 2, "names": 1}
    assert daily.right_only == ("artists",)
    assert (new.left, new.right) == (None, 0)
    told = list(diff.render([daily, new], ("staging", "prod")))
    assert told[0] == "daily: 3 -> 4 rows, 2 added, 1 removed, 2 changed"
    assert "  artists: only in prod" in told
    assert "new: only in prod" in told
    assert told[-1] == "0 of 2 tables are the same in staging and prod"


TOP = "create table gold.top as select period as {}, n as {}, n::varchar as name from range(3) as r(n), (values ('year'), ('all')) as p(period)"


@pytest.mark.parametrize(
    ("left", "right"), [(("period", "rank"), ("kind", "rank")), (("period", "rank"), ("kind", "place"))]
)
def test_rows_are_only_counted_where_a_column_of_the_key_has_another_name(
    tmp_path: Path, left: tuple[str, str], right: tuple[str, str]
) -> None:
    sides = [publish(tmp_path / f"{side[0]}.duckdb", ROWS, TOP.format(*side)) for side in (left, right)]
    _, top = diff.compare(*sides, KEYS | {"top": ["period", "rank"]})
    assert (top.left, top.right, top.added, top.removed, top.changed, top.is_none) == (6, 6, 0, 0, 0, False)
    assert (set(top.left_only), set(top.right_only)) == (set(left) - set(right), set(right) - set(left))
    told = list(diff.render([top], ("a", "b")))
    assert told[:2] == ["top: 6 -> 6 rows, not compared row by row: the key is not that of both", "  period: only in a"]


def test_tables_that_share_no_column_are_only_counted(tmp_path: Path) -> None:
    sides = [
        publish(tmp_path / f"{name}.duckdb", ROWS, f"create table gold.top as select 1 as {name}") for name in "ab"
    ]
    for keys in ({}, {"top": ["a"]}):
        _, top = diff.compare(*sides, KEYS | keys)
        assert (top.left, top.right, top.left_only, top.right_only) == (1, 1, ("a",), ("b",))


def test_equal_rows_of_a_table_without_a_key_are_counted(tmp_path: Path) -> None:
    rows = "create table gold.top as select unnest([{}]) as a, [null] as b"
    sides = [
        publish(tmp_path / f"{n}.duckdb", ROWS, rows.format(values))
        for n, values in enumerate(("1, 1, 1, 2", "1, 2, 2"))
    ]
    _, top = diff.compare(*sides, KEYS)
    assert (top.left, top.right, top.added, top.removed, top.changed) == (4, 3, 1, 2, 0)
    assert diff.compare(sides[0], str(shutil.copy(sides[0], tmp_path / "c.duckdb")), KEYS)[1].is_none


@pytest.mark.servers
def test_a_file_and_a_postgres_are_compared_as_well(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.fresh()
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"create schema gold; create table gold.rows ({DAYS})")
        for day, values in ROWS.items():
            cursor.execute("insert into gold.rows values (%s, %s, %s, %s, %s)", [day, *values])
        cursor.execute("create view gold.daily as select * from gold.rows")
        cursor.execute("alter table gold.rows set schema public")
    left = publish(tmp_path / "a.duckdb")
    assert [item.is_none for item in diff.compare(left, url, KEYS)] == [True]
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("update public.rows set plays = 7 where played_on = '2026-01-02'")
    (found,) = diff.compare(left, url, KEYS)
    assert (found.added, found.removed, found.changed, found.columns) == (0, 0, 1, {"plays": 1})
    (turned,) = diff.compare(url, url, KEYS)
    assert turned.is_none


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(*[st.dictionaries(st.integers(1, 9), st.tuples(st.integers(0, 2), st.none() | st.integers(0, 2)))] * 2)
def test_counts_are_those_of_plain_python(
    tmp_path: Path, left: dict[int, tuple[int, int | None]], right: dict[int, tuple[int, int | None]]
) -> None:
    sides = []
    for name, side in (("a", left), ("b", right)):
        rows = {f"2026-02-0{day}": (plays, ms, None, None) for day, (plays, ms) in side.items()}
        sides.append(publish(tmp_path / f"{name}.duckdb", rows))
    (found,) = diff.compare(*sides, KEYS)
    both = set(left) & set(right)
    assert (found.added, found.removed) == (len(set(right) - both), len(set(left) - both))
    assert found.changed == sum(left[day] != right[day] for day in both)
    wanted = {"plays": 0, "ms_played": 1}
    counts = {name: sum(left[day][n] != right[day][n] for day in both) for name, n in wanted.items()}
    assert found.columns == {name: count for name, count in counts.items() if count}


def test_a_join_larger_than_memory_goes_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MEMORY", "100MB")
    sides = []
    for name, offset in (("a", 0), ("b", 1000)):
        many = (
            f"create table gold.many as select i as id, md5(i::varchar) as text from range({offset}, 1500000) as t(i)"
        )
        sides.append(publish(tmp_path / f"{name}.duckdb", ROWS, many))
    _, found = diff.compare(*sides, KEYS | {"many": ["id"]})
    assert (found.removed, found.added, found.changed) == (1000, 0, 0)


def run(*arguments: str, exit_code: bool = False) -> int:
    return diff.diff(load("dev"), argparse.Namespace(environments=list(arguments), exit_code=exit_code))


def test_differences_end_with_0_or_with_1_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = publish(tmp_path / "a.duckdb"), publish(tmp_path / "b.duckdb", {})
    assert run(left, right) == 0
    assert run(left, right, exit_code=True) == 1
    assert run(left, publish(tmp_path / "c.duckdb"), exit_code=True) == 0
    assert "daily: 3 -> 0 rows, 0 added, 3 removed, 0 changed" in capsys.readouterr().out


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    left = publish(tmp_path / "a.duckdb")
    with pytest.raises(UsageProblem, match="same warehouse"):
        run(left, left)
    with pytest.raises(UsageProblem, match=f"There is no file {tmp_path / 'none.duckdb'}, nor a profile"):
        run(left, str(tmp_path / "none.duckdb"))
    with pytest.raises(UsageProblem, match="There is no file prd, nor a profile of that name"):
        run(left, "prd")
    with pytest.raises(Problem, match=f"Nothing is published in {tmp_path / 'not yet.duckdb'} yet"):
        diff.compare(left, str(tmp_path / "not yet.duckdb"), KEYS)
    with pytest.raises(UsageProblem, match="begins with mysql://") as wrong:
        run(left, "mysql://somebody:secret@db/x")
    assert "secret" not in str(wrong.value)
    with pytest.raises(Problem, match="cannot be read") as problem:
        run(left, "postgresql://somebody:secret@127.0.0.1:9/nowhere")
    assert "secret" not in str(problem.value)


def test_a_relative_path_means_the_folder_that_one_is_in(tmp_path: Path) -> None:
    publish(tmp_path / "a.duckdb")
    publish(tmp_path / "b.duckdb", {})
    answer = Environment(tmp_path / "data").run("diff", "a.duckdb", "./b.duckdb", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert f"0 of 1 tables are the same in {tmp_path}/a.duckdb and {tmp_path}/b.duckdb" in answer.stdout
    answer = Environment(tmp_path / "data").run("diff", "a.duckdb", "c/d.duckdb", cwd=tmp_path)
    assert (answer.returncode, f"There is no file {tmp_path}/c/d.duckdb" in answer.stderr) == (2, True)


@pytest.mark.parametrize("setting", ["LAKEHOUSE__DATA_DIR", "DESTINATION__WAREHOUSE__CREDENTIALS"])
def test_the_setting_that_makes_two_profiles_one_warehouse_is_named(tmp_path: Path, setting: str) -> None:
    variables = {**SURROUNDINGS, setting: str(tmp_path / "here")}
    answer = subprocess.run(
        [sys.executable, ROOT / "pipelines/run.py", "diff", "staging", "prod"],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert f"staging and prod are the same warehouse: {setting} in the environment" in answer.stderr


def test_profiles_are_compared_by_name(tmp_path: Path) -> None:
    for name in ("pipelines", "sources", "sandbox", ".dlt"):
        ignored = shutil.ignore_patterns("data", "state", "*.secrets.toml", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copytree(ROOT / "dbt/models", tmp_path / "dbt/models")
    for profile in ("staging", "prod"):
        place = tmp_path / ".dlt" / "data" / profile / "warehouse.duckdb"
        place.parent.mkdir(parents=True)
        publish(place, ROWS if profile == "staging" else {})
    answer = subprocess.run(
        [sys.executable, tmp_path / "pipelines/run.py", "diff", "staging", "prod"],
        env=SURROUNDINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "daily: 3 -> 0 rows, 0 added, 3 removed, 0 changed" in answer.stdout
    assert "0 of 1 tables are the same in staging and prod" in answer.stdout
