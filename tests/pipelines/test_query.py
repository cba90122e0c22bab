"""`run.py sql`: it reads and nothing else, and its answers hold whatever DuckDB can say."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.answer import FORMATS
from pipelines.query import _reading
from sandbox.servers.postgres import Postgres
from sources.problem import Problem
from tests.environment import Environment

READS = [
    "explain select 1",
    "EXPLAIN ANALYZE select 42 as answer",
    "explain analyze (select 1)",
    "explain (analyze, format json) select 1",
    "\n explain (select 1)",
    "select 'copy' as explain;",
    "with t as (select 1 as n) from t -- copy (select 1) to 'file'",
    "describe select 1",
    "summarize select 1",
    "show tables",
    "pragma version",
    "from duckdb_settings()",
    "select list_transform([1], lambda x: x + 1)",
]
WRITES = [
    "explain analyze copy (select 1) to '{0}'",
    "EXPLAIN ANALYZE COPY (select 1) TO '{0}'",
    "explain (analyze) copy (select 1) to '{0}'",
    "explain (format json, analyze) copy (select 1) to '{0}'",
    "explain (analyze /* ) select 1 -- */ ) copy (select 1) to '{0}'",
    "/* */ explain analyze copy (select 1) to '{0}'",
    "-- a\nexplain analyze copy (select 1) to '{0}'",
    "explain analyze /* select */ copy (select 1) to '{0}'",
    "copy (select 1) to '{0}'",
    "select 1; copy (select 1) to '{0}'",
    "attach '{0}'",
    "export database '{0}'",
    "explain analyze export database '{0}'",
    "from enable_logging('QueryLog', storage = 'file', storage_path = '{0}')",
    "explain analyze from enable_logging('QueryLog', storage = 'file', storage_path = '{0}')",
    "select (select count(*) from system.main.enable_logging(storage = 'file', storage_path = '{0}'))",
    "from query('from enable_logging(storage = ''file'', storage_path = ''{0}'')')",
    "from enable_profiling(save_location = '{0}')",
    "call enable_logging(storage = 'file', storage_path = '{0}')",
    "set log_query_path = '{0}'",
]


@pytest.mark.parametrize("query", READS)
def test_whatever_reads_is_answered_in_every_form(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as connection:
        for form in FORMATS.values():
            form(connection, _reading(connection, query), io.StringIO())


@pytest.mark.parametrize("query", WRITES)
def test_nothing_that_writes_a_file_is_run(query: str, tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises((Problem, duckdb.Error)):
        connection.execute(_reading(connection, query.format(tmp_path / "written")))
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_with_1_and_writes_nothing(built: Environment, tmp_path: Path) -> None:
    answer = built.run("sql", f"explain analyze copy (select 1) to '{tmp_path / 'written.csv'}'")
    assert answer.returncode == 1
    assert "sql answers exactly one select" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers
def test_a_statement_of_postgres_is_not_run_behind_a_select(postgres: Postgres) -> None:
    from psycopg2.extensions import parse_dsn

    from pipelines.warehouse.landing import attach_postgres

    with duckdb.connect() as connection:
        attach_postgres(connection, parse_dsn(postgres.fresh()), "read_only")
        ending = "from postgres_execute('warehouse', 'commit; create table written (n int)')"
        with pytest.raises(Problem, match="postgres_execute"):
            _reading(connection, ending)
        connection.execute(_reading(connection, "from postgres_query('warehouse', 'select 1')"))


def answer(query: str, form: str) -> str:
    told = io.StringIO()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        FORMATS[form](connection, query, told)
    return told.getvalue()


def no_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def as_json(query: str) -> Any:
    return json.loads(answer(query, "json"), parse_constant=no_constant)


VALUES = {
    "interval '1 month 2 days 3 hours'": "1 month 2 days 03:00:00",
    "'6f1a0000-0000-0000-0000-000000000001'::uuid": "6f1a0000-0000-0000-0000-000000000001",
    "'\\x00a'::blob": "\\x00a",
    "'101'::bit": "101",
    "[interval '1 month']": ["1 month"],
    "{'a b': interval '1 day', 'select': 1.5}": {"a b": "1 day", "select": 1.5},
    "map {date '2020-01-01': interval '1 day'}": {"2020-01-01": "1 day"},
    "map {'a': 'nan'::double}": {"a": None},
    "array_value(interval '1 day', interval '2 days')": ["1 day", "2 days"],
    "row(1, interval '1 day')": "(1, 1 day)",
    "union_value(a := 1)": "1",
    "timetz '10:00:00+02'": "10:00:00+02",
    "timestamp_ns '2020-01-01 00:00:00.123456789'": "2020-01-01 00:00:00.123456789",
    "'nan'::double": None,
    "'-infinity'::float": None,
    "[1.0, 'inf'::double]": [1.0, None],
    "timestamptz '2020-01-01 00:00:00+00'": "2020-01-01T00:00:00+00:00",
    "170141183460469231731687303715884105727": 170141183460469231731687303715884105727,
    "1.50::decimal(9, 2)": 1.5,
    "0.00000010::decimal(18, 8)": 1e-07,
    "12345678901234567890.12345678900::decimal(38, 11)": "12345678901234567890.123456789",
    "['12345678901234567890.5'::decimal(38, 1)]": ["12345678901234567890.5"],
    "'infinity'::timestamp": "infinity",
    "'-infinity'::timestamptz": "-infinity",
    "'infinity'::date": "infinity",
    "date '9999-12-31'": "9999-12-31",
    "timestamp '0001-01-01 00:00:00'": "0001-01-01T00:00:00",
    "null::date": None,
    "'{\"a\": 1}'::json": '{"a": 1}',
    "null": None,
    "true": True,
    "'ü\n'": "ü\n",
}


@pytest.mark.parametrize(("expression", "value"), VALUES.items())
def test_every_kind_of_value_is_valid_json(expression: str, value: object) -> None:
    assert as_json(f"select {expression} as a, 1 as n") == [{"a": value, "n": 1}]


def test_csv_tells_an_interval_as_duckdb_does_and_keeps_numbers_that_are_none() -> None:
    told = answer("select interval '1 month' as i, 'inf'::double as f, ['nan'::double] as l, 'a'::blob as a", "csv")
    assert list(csv.reader(io.StringIO(told))) == [["i", "f", "l", "a"], ["1 month", "inf", "[null]", "a"]]


def test_csv_tells_what_is_endless_and_every_digit() -> None:
    told = answer("select 'infinity'::date as d, '-infinity'::timestamp as t, 12345678901234567890.25 as n", "csv")
    assert told == "d,t,n\ninfinity,-infinity,12345678901234567890.25\n"


def test_columns_of_one_name_are_all_told() -> None:
    assert as_json("select 1 as a, 2 as a, 3 as a_1, 4 as a, interval '1 day' as a") == [
        {"a": 1, "a_2": 2, "a_1": 3, "a_3": 4, "a_4": "1 day"}
    ]
    assert answer("select 1 as a, 2 as a", "csv") == "a,a\n1,2\n"


def test_rows_keep_their_order_where_values_are_cast() -> None:
    numbers = random.Random(5).sample(range(50_000), 50_000)
    listed = ", ".join(map(str, numbers))
    query = f"select n, interval '1 day' as i from (select unnest([{listed}]) as n) order by hash(n), n"
    with duckdb.connect() as connection:
        wanted = [n for n, _ in connection.execute(query).fetchall()]
    assert [row["n"] for row in as_json(query)] == wanted


def test_no_rows_and_many_rows_are_lists() -> None:
    assert as_json("select 1 as a where false") == []
    assert as_json("select i as a from range(25000) t(i)") == [{"a": number} for number in range(25_000)]
    assert answer("from (values (1), (2)) t(a)", "json") == '[\n {\n  "a": 1\n },\n {\n  "a": 2\n }\n]\n'
