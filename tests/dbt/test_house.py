"""dbt as people who know dbt use it: lineage to every reader, descriptions everywhere, and dbt run by itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import dictionary, exposures
from pipelines.dashboards.files import read
from tests.browser import chromium, is_foreign
from tests.environment import ROOT, Environment

DBT = ROOT / "dbt"
pytestmark = pytest.mark.xdist_group("house")  # dbt alone builds one file

PAGES = "from pipelines import documents, settings; print(documents.pages(settings.load()))"


def described(kind: str, folder: str = "models") -> dict[str, dict[str, Any]]:
    files = [yaml.safe_load(path.read_text()) or {} for path in (DBT / folder).rglob("*.yml")]
    return {item["name"]: item for file in files for item in file.get(kind, [])}


def test_the_exposures_are_what_the_dashboards_notebooks_and_wrapped_read() -> None:
    assert exposures.FILE.read_text() == exposures.render(exposures.exposures()), "run make docs"
    names = {item.name for item in exposures.exposures()}
    assert {f"dashboard_{item.key}" for item in read(ROOT / "metabase").dashboards} < names
    assert {"wrapped", "notebook_listening", "notebook_explore", "notebook_recommender"} < names
    assert all(item.tables for item in exposures.exposures())


def test_the_dictionary_is_what_dbt_says() -> None:
    assert dictionary.FILE.read_text() == dictionary.render(), "run make docs"
    gold = {name for name, item in described("models", "models/gold").items() if item.get("config", {}).get("meta")}
    assert gold == {line[4:] for line in dictionary.FILE.read_text().splitlines() if line.startswith("### ")}


def test_every_model_says_what_a_row_is_and_every_gold_column_what_it_means() -> None:
    known = described("models")
    models = [path for path in (DBT / "models").rglob("*.sql") if "serve" not in path.parts]
    assert {path.stem for path in models} == set(known)
    for path in models:
        assert known[path.stem]["description"].startswith("One row per "), path.stem
        if "gold" in path.parts:
            assert all(column["description"] for column in known[path.stem]["columns"]), path.stem


def test_every_key_of_gold_is_tested() -> None:
    known = described("models", "models/gold")
    for name, key in dictionary.keys().items():
        (holds,) = (test["holds"]["arguments"] for test in known[name]["data_tests"])
        assert key in [[one] if isinstance(one, str) else one for one in holds["keys"]], name


def test_every_bronze_table_and_column_is_described() -> None:
    for source in described("sources").values():
        for table in source["tables"]:
            assert table["description"].startswith("One row per "), table["name"]
            assert all(column["description"] for column in table["columns"]), table["name"]


@pytest.fixture(scope="module")
def alone(built: Environment, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`dbt ...` as typed in the folder dbt, on the last build of the built environment."""
    folder = tmp_path_factory.mktemp("alone")
    dbt = Path(sys.executable).with_name("dbt")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [dbt, "--no-use-colors", *arguments, "--target-path", folder, "--log-path", folder],
            cwd=DBT,
            env={**built.variables, "DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def test_dbt_alone_builds_on_the_last_snapshot_and_leaves_the_warehouse_s_models_out(
    alone: Any, built: Environment
) -> None:
    mark = (built.data_dir / "build" / "mark.json").read_text()
    file = (built.data_dir / "build" / "lakehouse.duckdb").stat()
    answer = alone("build", "--select", "stg_catalog__artists", "stg_catalog__albums")
    assert answer.returncode == 0, answer.stdout
    assert "OK created sql view model silver.stg_catalog__artists" in answer.stdout
    listed = alone("ls", "--resource-type", "model", "--quiet").stdout.splitlines()
    assert any(".gold." in name for name in listed)
    assert not any(".serve." in name for name in listed)
    assert (built.data_dir / "build" / "mark.json").read_text() == mark
    assert (built.data_dir / "build" / "lakehouse.duckdb").stat().st_mtime == file.st_mtime


@pytest.mark.long
def test_dbt_alone_tells_how_fresh_the_sources_are(alone: Any) -> None:
    answer = alone("source", "freshness")
    assert "freshness of spotify_api.polls" in answer.stdout
    assert answer.returncode == 0, answer.stdout


@pytest.mark.long
def test_dbt_alone_before_the_first_run_says_what_to_do(alone: Any, built: Environment, tmp_path: Path) -> None:
    answer = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "show", "--inline", "select 1", "--target-path", tmp_path],
        cwd=DBT,
        env={**built.variables, "LAKEHOUSE__DATA_DIR": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert answer.returncode != 0
    assert "run the flow" in answer.stdout


@pytest.mark.long
@pytest.mark.browser
def test_the_pages_of_dbt_are_one_file_that_needs_no_network(built: Environment) -> None:
    made = subprocess.run(
        [sys.executable, "-c", PAGES],
        cwd=ROOT,
        env=built.variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    page, asked = Path(made.stdout.strip()), []
    with chromium() as browser:
        opened = browser.new_page()
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(f"{page.as_uri()}#!/model/model.lakehouse.top_tracks")
        opened.get_by_text("One row per period and recording, ranked.").first.wait_for(timeout=60_000)
    assert not [url for url in asked if is_foreign(url, "file:")]


def test_the_engine_itself_refuses_a_null_where_the_contract_forbids_it(built: Environment) -> None:
    """No test asks whether such a column is filled: a null never gets as far as a test."""
    nodes = json.loads((built.data_dir / "build/dbt/manifest.json").read_text())["nodes"].values()
    declared = {
        (node["name"], column["name"])
        for node in nodes
        if node["schema"] == "gold" and node["resource_type"] == "model"
        for column in node["columns"].values()
        if any(constraint["type"] == "not_null" for constraint in column["constraints"])
    }
    with duckdb.connect(str(built.data_dir / "build/lakehouse.duckdb"), read_only=True) as connection:
        held = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'gold' and not is_nullable"
        ).fetchall()
    assert declared
    assert declared == set(held)
