"""The same lake built by DuckDB and by Spark, on a cluster of two worker processes, compared row for row."""

import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.environment import ROOT, Environment
from tests.spark.lake import write

pytestmark = pytest.mark.spark
PROMISED = (
    *("fct_plays", "daily_listening", "listening_clock", "sessions", "top_tracks", "top_artists", "top_albums"),
    *("top_genres", "dim_artists", "dim_albums", "dim_tracks"),
)
DUCKDB_ONLY = {"recommendations", "recommendation_quality"}
LISTENER = {"LAKEHOUSE__TIMEZONE": "Europe/Berlin", "LAKEHOUSE__WEEK_START": "sunday"}


@dataclass(frozen=True)
class Both:
    """Gold of one lake, made twice."""

    connection: duckdb.DuckDBPyConnection
    spark: Path

    def names(self, engine: str) -> set[str]:
        if engine == "spark":
            return {path.name for path in self.spark.iterdir()}
        query = "select table_name from duckdb_tables() where database_name = 'duck' and schema_name = 'gold'"
        return {name for (name,) in self.connection.execute(query).fetchall()}

    def source(self, engine: str, name: str) -> str:
        return f"duck.gold.{name}" if engine == "duckdb" else f"read_parquet('{self.spark / name}/*.parquet')"

    def columns(self, engine: str, name: str) -> list[tuple[str, str]]:
        return [row[:2] for row in self.connection.execute(f"describe from {self.source(engine, name)}").fetchall()]

    def rows(self, engine: str, name: str, order: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(f"from {self.source(engine, name)} order by {order}").fetchall()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("engines")
    write(folder / "lake")
    environment = Environment(folder / "data", {**LISTENER, "DESTINATION__LAKE__BUCKET_URL": str(folder / "lake")})
    answer = environment.run("build")
    assert answer.returncode == 0, answer.stderr
    command = [sys.executable, "-m", "pipelines.spark"]
    spark = subprocess.run(command, cwd=ROOT, env=environment.variables, capture_output=True, text=True, check=False)
    assert spark.returncode == 0, spark.stderr[-4000:]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{environment.data_dir}/build/lakehouse.duckdb' as duck (read_only)")
        yield Both(connection, environment.data_dir / "spark" / "tables" / "gold.db")


def agree(one: Any, other: Any) -> bool:
    """Exactly equal, but for floats: within 1e-9 of each other."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(type(one) is type(other) and one == other)


def compare(both: Both, name: str) -> int:
    """Hold a table of both engines against each other; returns its rows."""
    columns = both.columns("duckdb", name)
    assert both.columns("spark", name) == columns
    exact = ", ".join(f'"{column}" nulls first' for column, kind in columns if kind != "DOUBLE")
    duck, spark = (both.rows(engine, name, exact) for engine in ("duckdb", "spark"))
    assert len(duck) == len(spark)
    different = [
        (one, other)
        for one, other in zip(duck, spark, strict=True)
        if not all(agree(left, right) for left, right in zip(one, other, strict=True))
    ]
    assert different == []
    return len(duck)


@pytest.mark.parametrize("name", PROMISED)
def test_spark_and_duckdb_make_the_same_table(both: Both, name: str) -> None:
    assert compare(both, name) > 20


def test_all_other_tables_are_equal_too_but_for_what_is_duckdb_s_alone(both: Both) -> None:
    assert both.names("spark") == both.names("duckdb") - DUCKDB_ONLY
    for name in sorted(both.names("spark") - set(PROMISED)):
        compare(both, name)


def test_the_lake_has_what_the_engines_could_disagree_about(both: Both) -> None:
    """All feeds, plays that several of them tell, matches by time alone, gaps, rules, and names in many scripts."""
    one = both.connection.execute
    assert one("select count(distinct source), max(len(sources)) from duck.gold.fct_plays").fetchone() == (5, 5)
    assert one("select count(*) > 0 from duck.gold.fct_plays where is_excluded").fetchone() == (True,)
    assert one("select count(*) > 0 from duck.gold.daily_listening where is_minimum").fetchone() == (True,)
    assert one("select count(*) > 0 from duck.silver.int_matches_account where is_by_time").fetchone() == (True,)
    assert one("select bool_or(artist_name like '%ΟΔΟΣ%') from duck.gold.dim_artists").fetchone() == (True,)
    assert one("select count(*) from duck.gold.dim_artists where artist_id = 'ghost'").fetchone() == (0,)
