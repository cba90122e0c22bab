"""The audit of a build, on a project of two models: what is broken is red, and told by its rule."""

import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines import dbt_run
from pipelines.settings import load
from sources.problem import Problem, RedAudit

THINGS = """
select *
from (
    values
        ('a', 1, 'red', 'it''s', 1, 2),
        ('a', 1, 'blue', 'that', 2, 2),
        ('a', 2, null, 'that', 3, 2),
        (null, 2, 'red', 'that', 4, null),
        ('b', 2, 'red', null, null, 2)
) as things (thing_id, number, colour, kind, low, high)
"""
SOUND = "select 'a' as thing_id, 1 as number, 'red' as colour, null::varchar as kind, 1 as low, 2 as high"
RULES = """
models:
  - name: things
    data_tests:
      - holds:
          arguments:
            keys:
              - thing_id
              - [thing_id, number]
            filled: [colour]
            values:
              kind: [that]
            rules:
              - "low <= high"
              - "colour != 'green'"
  - name: sound_things
    data_tests:
      - holds:
          arguments:
            keys:
              - [number, low]
            filled: [number]
            values:
              kind: ["it's", that]
            rules:
              - "number > 0"
    columns:
      - name: thing_id
        data_tests:
          - relationships:
              arguments:
                to: ref('things')
                field: thing_id
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dbt"
    shutil.copytree(dbt_run.DBT, folder, ignore=shutil.ignore_patterns("models", "target", "logs", "*.duckdb*"))
    models = folder / "models" / "silver"
    models.mkdir(parents=True)
    (models / "things.sql").write_text(THINGS)
    (models / "sound_things.sql").write_text("select * from {{ ref('things') }} where number = 1")
    (models / "rules.yml").write_text(RULES)
    monkeypatch.setattr(dbt_run, "DBT", folder)
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    return tmp_path


def test_each_broken_rule_is_told_with_its_model_and_the_rows_that_break_it(project: Path) -> None:
    with pytest.raises(RedAudit) as red:
        dbt_run.build_models(load(), project / "lakehouse.duckdb", project / "target", "")
    assert (
        "published: things: "
        "`low <= high` is broken by 3 rows, "
        "`thing_id is unique` is broken by 3 rows, "
        "`thing_id, number is unique` is broken by 2 rows, "
        "`colour != 'green'` is broken by 1 row, "
        "`colour is filled` is broken by 1 row, "
        "`kind is one of that` is broken by 1 row, "
        "`thing_id is filled` is broken by 1 row. Dashboards"
    ) in str(red.value)


def test_what_holds_is_green(project: Path) -> None:
    (project / "dbt/models/silver/things.sql").write_text(SOUND)
    dbt_run.build_models(load(), project / "lakehouse.duckdb", project / "target", "")


def test_a_row_without_its_parent_is_told(project: Path) -> None:
    models = project / "dbt/models/silver"
    (models / "things.sql").write_text(SOUND)
    (models / "sound_things.sql").write_text("select 'b' as thing_id, 1 as number, 1 as low, 'that' as kind")
    with pytest.raises(RedAudit, match="published: sound_things: `thing_id is found in things` is broken by 1 row"):
        dbt_run.build_models(load(), project / "lakehouse.duckdb", project / "target", "")


def test_a_test_that_the_audit_does_not_know_is_not_passed_over(project: Path) -> None:
    (project / "dbt/models/silver/things.sql").write_text(SOUND)
    (project / "dbt/tests/singular.sql").write_text("select * from {{ ref('things') }} where number = 2")
    with pytest.raises(Problem, match="the audit does not know the test singular"):
        dbt_run.build_models(load(), project / "lakehouse.duckdb", project / "target", "")


KEPT = """
-- depends_on: {{{{ ref('int_settled') }}}}
{{{{ config(materialized='tail', meta={{'at': 'told_at'}}) }}}}
select *
from (values ('a', timestamptz '2026-01-01 00:00:00+00', 1), ('{new}', timestamptz '2026-01-03 00:00:00+00', {number}))
    as things (thing_id, told_at, number)
where {{{{ is_open('told_at') }}}}
"""
KEPT_RULES = """
models:
  - name: things
    data_tests:
      - holds:
          arguments:
            keys: [thing_id]
            rules: ["number > 0"]
"""


def test_rows_that_stayed_are_not_looked_at_again_but_new_ones_are_held_against_them(project: Path) -> None:
    models, database = project / "dbt/models/silver", project / "lakehouse.duckdb"
    (models / "sound_things.sql").unlink()
    (models / "rules.yml").write_text(KEPT_RULES)
    settled = "{{ config(materialized='table') }} select timestamptz '2026-01-02 00:00:00+00' as settled_before"
    (models / "int_settled.sql").write_text(settled)

    def build(new: str, number: int, fresh_from: str) -> None:
        (models / "things.sql").write_text(KEPT.format(new=new, number=number))
        dbt_run.build_models(load(), database, project / "target", fresh_from)

    build("b", 1, "")
    with duckdb.connect(str(database)) as connection:
        connection.execute("insert into silver.things values ('c', timestamptz '2026-01-01 00:00:00+00', -1)")
    build("d", 1, "2026-01-03 00:00:00+00")
    with pytest.raises(RedAudit, match="published: things: `thing_id is unique` is broken by 2 rows"):
        build("a", 1, "2026-01-03 00:00:00+00")
    with pytest.raises(RedAudit, match="published: things: `number > 0` is broken by 1 row"):
        build("e", -1, "2026-01-03 00:00:00+00")
