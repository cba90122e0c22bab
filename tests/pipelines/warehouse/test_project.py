"""The project's own dbt models fit the warehouse."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.warehouse.gold import is_gold, read_tables

pytestmark = pytest.mark.xdist_group("project")
DBT = Path(__file__).parents[3] / "dbt"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("dbt")
    places = ["--project-dir", str(DBT), "--profiles-dir", str(DBT), "--target-path", str(target)]
    parsed = dbtRunner().invoke(
        ["parse", "--target", "lake", "--log-path", str(target), "--log-level", "none", *places]
    )
    assert parsed.success, parsed
    return target / "manifest.json"


def nodes(manifest: Path) -> list[dict[str, Any]]:
    return list(json.loads(manifest.read_text())["nodes"].values())


def test_every_gold_table_has_one_serve_model_and_no_serve_model_is_left_over(manifest: Path) -> None:
    gold = {node["unique_id"] for node in nodes(manifest) if is_gold(node)}
    served = [node for node in nodes(manifest) if node["config"]["materialized"] == "serve"]
    assert sorted(node["depends_on"]["nodes"][0] for node in served) == sorted(gold)
    assert all(node["name"] == f"serve_{node['alias']}" for node in served)


def test_every_gold_table_declares_a_key_of_its_own_columns(manifest: Path) -> None:
    for table in read_tables(manifest):
        assert set(table.key) <= set(table.descriptions), table.name


def test_every_gold_table_and_column_is_described(manifest: Path) -> None:
    for table in read_tables(manifest):
        assert table.description.startswith("One row per "), table.name
        assert all(table.descriptions.values()), table.name
