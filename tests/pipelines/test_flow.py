"""The whole flow as a user runs it: real processes, embedded defaults."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.ended import recorded
from pipelines.flow import bring_up
from pipelines.lock import hold
from pipelines.settings import load
from pipelines.warehouse import Generation
from pipelines.warehouse.embedded import EmbeddedWarehouse
from tests.environment import Environment

CONTRACT = {
    *("dim_artists", "dim_albums", "dim_tracks", "fct_plays", "daily_listening", "listening_clock", "sessions"),
    *("top_tracks", "top_artists", "top_albums", "top_genres", "streaks", "discoveries", "taste_by_month", "eras"),
    *("platforms", "on_repeat", "forgotten", "records", "skips", "coverage", "catalog_trends", "completeness"),
    *("import_balance", "recommendations", "recommendation_quality"),
}


def test_the_first_run_publishes_every_mart_and_thousands_of_plays(built: Environment) -> None:
    published = {row["name"] for row in built.ask("select name from (show all tables) where schema = 'gold'")}
    assert published >= CONTRACT
    (plays,) = built.ask("select count(*) as plays, count(distinct source) as feeds from gold.fct_plays")
    assert int(plays["plays"]) > 5_000
    assert plays["feeds"] == "2"


def test_every_station_agrees_from_the_source_to_the_published_table(built: Environment) -> None:
    rows = built.ask("select table_name, station, rows, key_checksum, explained from ops.reconciliation")
    stations = {(row["table_name"], row["station"]): row for row in rows}
    for table in ("spotify_tracks", "spotify_albums", "spotify_artists"):
        counts = {
            (stations[table, station]["rows"], stations[table, station]["key_checksum"])
            for station in ("source", "bronze", "silver", "gold", "published")
        }
        assert len(counts) == 1, table
    assert {row["explained"] for row in rows} == {"True"}


def test_a_published_table_that_is_not_what_was_audited_makes_the_run_red(
    copied: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (copied.variables | {"LAKEHOUSE__MIN_PLAY_SECONDS": "31"}).items():
        monkeypatch.setenv(name, value)
    publish = EmbeddedWarehouse.publish

    def lossy(warehouse: EmbeddedWarehouse, *given: Any, **named: Any) -> Generation:
        made = publish(warehouse, *given, **named)
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute("delete from gold.fct_plays where hash(play_id) % 2 = 0")
        return made

    monkeypatch.setattr(EmbeddedWarehouse, "publish", lossy)
    settings = load("dev")
    with hold(settings, 5) as lock:
        ended = recorded(settings, lambda current: bring_up(settings, lock, current))
    assert (ended.state, ended.exit_code) == ("red", 3)
    assert "what readers see does not agree with what was audited: plays has" in str(ended.problems[0])
    told = copied.ask("select distinct station from ops.reconciliation where not explained")
    assert told == [{"station": "published"}]
    again = Environment(copied.data_dir, {"LAKEHOUSE__MIN_PLAY_SECONDS": "31"}).run()
    assert (again.returncode, "does not agree with what was audited" in again.stderr) == (3, True), again.stderr


def test_a_generation_that_a_killed_run_left_uncounted_is_counted_by_the_next(copied: Environment) -> None:
    place = copied.data_dir / "warehouse.duckdb.ops" / "reconciliation.jsonl"
    rows = place.read_text().splitlines(keepends=True)
    place.write_text("".join(row for row in rows if '"published"' not in row))
    count = "select count(*) as counted from ops.reconciliation where station = 'published' and explained"
    assert copied.ask(count) == [{"counted": "0"}]
    assert copied.run().returncode == 0
    assert copied.ask(count) == [{"counted": str(sum('"published"' in row for row in rows))}]
    assert "nothing new" in copied.run().stdout


def test_the_reasons_of_every_imported_file_add_up_to_its_rows(built: Environment) -> None:
    faults = built.ask(
        "select files.file from silver.stg_spotify_export__files as files left join"
        " (select file_id, sum(rows) as rows from gold.import_balance group by file_id) as balance"
        " on files.file_id = balance.file_id where files.row_count <> coalesce(balance.rows, 0)"
    )
    assert faults == []


def test_a_second_run_says_that_nothing_is_new_and_changes_nothing(copied: Environment) -> None:
    before, published = copied.gold(), (copied.data_dir / "warehouse.duckdb").stat().st_mtime_ns
    answer = copied.run()
    assert (answer.returncode, "nothing new" in answer.stdout) == (0, True), answer.stderr
    assert (copied.data_dir / "warehouse.duckdb").stat().st_mtime_ns == published
    assert copied.gold() == before
    states = copied.ask("select state, exit_code from ops.pipeline_runs order by started_at")
    assert [tuple(state.values()) for state in states] == [("published", "0"), ("nothing new", "0")]


def test_plays_of_the_next_hours_reach_gold_and_none_is_counted_twice(lean: Environment, later: Environment) -> None:
    count = "select count(*) as plays, count(distinct (played_at, track_id)) as told from gold.fct_plays"
    (before,), (after,) = lean.ask(count), later.ask(count)
    assert int(after["plays"]) > int(before["plays"])
    assert after["plays"] == after["told"]
    (how,) = later.ask("select reason from silver.int_settled")
    assert how["reason"] != "lean anew"


STRATEGIES = {
    "spotify_tracks": ("watermark", "track", "dim_tracks"),
    "spotify_albums": ("partition", "album", "dim_albums"),
    "spotify_artists": ("full", "artist", "dim_artists"),
}
"""Each table read by another strategy, with the word of its columns and its dimension."""


@pytest.mark.long
def test_a_row_deleted_and_a_row_changed_reach_gold_under_each_strategy(copied: Environment) -> None:
    variables = {f"SOURCES__CATALOG__{table.upper()}__STRATEGY": word for table, (word, *_) in STRATEGIES.items()}
    variables["SOURCES__CATALOG__SPOTIFY_ALBUMS__PARTITION"] = "updated_at"
    environment = Environment(copied.data_dir, variables)
    assert environment.run().returncode == 0  # a changed strategy begins with a new base
    touched = {table: _touch(environment.data_dir / "catalog.sqlite", table) for table in STRATEGIES}
    answer = environment.run()
    assert answer.returncode == 0, answer.stderr
    for table, (_, word, dimension) in STRATEGIES.items():
        gone, changed = touched[table]
        silver = environment.ask(
            f"select {word}_id, {word}_name from silver.stg_catalog__{word}s where {word}_id in ('{gone}', '{changed}')"
        )
        assert silver == [{f"{word}_id": changed, f"{word}_name": "Ein anderer Name"}], table
        (gold,) = environment.ask(f"select {word}_name from gold.{dimension} where {word}_id = '{changed}'")
        assert gold[f"{word}_name"] == "Ein anderer Name", table


def _touch(catalog: Path, table: str) -> tuple[str, str]:
    """Delete one row of a catalog table, rename another; their keys."""
    key = f"{STRATEGIES[table][1]}_id"
    with sqlite3.connect(catalog) as connection:
        gone, changed = (row[0] for row in connection.execute(f"select {key} from {table} order by 1 limit 2"))
        connection.execute(f"delete from {table} where {key} = ?", [gone])
        connection.execute(f"update {table} set name = 'Ein anderer Name' where {key} = ?", [changed])
    return gone, changed


def test_a_lost_working_folder_changes_nothing(copied: Environment) -> None:
    before = copied.gold()
    for name in ("pipelines", "build", "listener", "snapshot"):
        shutil.rmtree(copied.data_dir / name)
    answer = copied.run("--full-refresh")
    assert answer.returncode == 0, answer.stderr
    assert copied.gold() == before


@pytest.mark.long
def test_a_lake_that_was_deleted_is_loaded_again(copied: Environment) -> None:
    held = (
        "select (select count(*) from silver.stg_catalog__albums) as albums, count(*) as plays,"
        " sum(hash(play_id, ms_played)::hugeint) as sum from gold.fct_plays"
    )
    before = copied.ask(held)
    shutil.rmtree(copied.data_dir / "lake")
    answer = copied.run()
    assert answer.returncode == 0, answer.stderr
    assert "does not hold what this machine last loaded of catalog" in answer.stderr
    assert copied.ask(held) == before


def test_another_play_rule_follows_from_bronze(copied: Environment) -> None:
    counted = "select count(*) filter (is_counted) as plays, count(*) as streams from gold.fct_plays"
    (before,) = copied.ask(counted)
    strict = Environment(copied.data_dir, {"LAKEHOUSE__MIN_PLAY_SECONDS": "120"})
    assert strict.run().returncode == 0
    (after,) = strict.ask(counted)
    assert int(after["plays"]) < int(before["plays"])
    assert after["streams"] == before["streams"]


def test_a_red_audit_publishes_nothing_and_stays_red_until_the_lake_is_mended(copied: Environment) -> None:
    before = copied.gold()
    file = next((copied.data_dir / "lake/spotify_export/streams").glob("*.parquet"))
    twin = file.with_name(file.name.replace(".parquet", "0.parquet"))
    shutil.copy(file, twin)
    for _ in range(2):
        answer = copied.run()
        assert answer.returncode == 3, answer.stdout + answer.stderr
        assert "nothing was published" in answer.stderr
        assert "Traceback" not in answer.stderr
        assert copied.gold() == before
    states = copied.ask("select state from ops.pipeline_runs order by started_at desc limit 2")
    assert [row["state"] for row in states] == ["red", "red"]
    twin.unlink()
    assert copied.run().returncode == 0
    assert copied.gold() == before


def test_rollback_goes_back_and_publish_goes_forward(lean: Environment, later: Environment, tmp_path: Path) -> None:
    copy = Environment(tmp_path / "data")
    shutil.copytree(later.data_dir, copy.data_dir)
    first, second = lean.gold(), later.gold()
    assert second != first
    assert copy.run("rollback").returncode == 0
    assert copy.gold() == first
    assert copy.run("publish").returncode == 0
    assert copy.gold() == second


def test_sql_answers_in_three_forms_and_refuses_to_write(built: Environment) -> None:
    query = "select 1 as one, 'a,b' as text, null as nothing"
    assert built.run("sql", query, "--format", "csv").stdout == 'one,text,nothing\n1,"a,b",\n'
    assert json.loads(built.run("sql", query, "--format", "json").stdout) == [
        {"one": 1, "text": "a,b", "nothing": None}
    ]
    assert "a,b" in built.run("sql", query).stdout
    for statement in ("drop table gold.fct_plays", "select 1; select 2", "select * from gold.no_such_table"):
        answer = built.run("sql", statement)
        assert (answer.returncode, "Traceback" in answer.stderr) == (1, False)
        assert answer.stderr


def test_sql_before_the_first_build_is_a_usage_problem(tmp_path: Path) -> None:
    answer = Environment(tmp_path).run("sql", "select 1")
    assert answer.returncode == 2
    assert "run.py" in answer.stderr
