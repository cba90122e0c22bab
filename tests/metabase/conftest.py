"""A published gold that the role `metabase` reads, and stand-ins for Metabase to apply the files to."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.dashboards import published_tables
from pipelines.dashboards.apply import apply
from pipelines.dashboards.client import sign_in
from pipelines.dashboards.files import read
from pipelines.settings import MetabaseSettings, Settings, load
from pipelines.warehouse import Reconciliation, RunRecord, roles
from pipelines.warehouse.gold import GoldTable, read_tables
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers import postgres as servers
from tests.environment import ROOT, Environment
from tests.metabase.server import Server, State, serve
from tests.pipelines.warehouse.synthetic import plain_candidate

PASSWORD = "of all roles"
USER, USER_PASSWORD = "owner@example.org", "correct horse battery"


@pytest.fixture(scope="session")
def warehouse(built: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings whose warehouse holds the gold of the built environment; the roles need a server of their own."""
    with servers.serve() as server, pytest.MonkeyPatch.context() as patch:
        url = server.fresh()
        roles.create(url, dict.fromkeys(roles.ROLES, PASSWORD))
        at = urlsplit(url)
        publisher = f"postgresql://{roles.PUBLISHER}:{PASSWORD.replace(' ', '%20')}@{at.hostname}:{at.port}{at.path}"
        patch.setenv("LAKEHOUSE__DATA_DIR", str(built.data_dir))
        patch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", publisher)
        patch.setenv("DESTINATION__WAREHOUSE__METABASE_PASSWORD", PASSWORD)
        settings = load("dev")
        publish(settings, tmp_path_factory.mktemp("serve"))
        yield settings


def publish(settings: Settings, folder: Path) -> None:
    build = settings.data_dir / "build"
    place = PostgresWarehouse(
        settings.warehouse.url, settings.profile, Project(folder, folder, folder), plain_candidate
    )
    place.publish(build / "lakehouse.duckdb", "r1", "f1", read_tables(build / "dbt" / "manifest.json"))
    now = place.published().published_at
    place.record_run(RunRecord("r1", now, now, "published", 0, 12, 1.5))
    stations = ("source", "bronze", "silver", "gold", "published")
    place.record_reconciliation([Reconciliation("r1", "plays", station, 7, 1, True) for station in stations])


@pytest.fixture(scope="session")
def tables(warehouse: Settings) -> list[GoldTable]:
    return published_tables(warehouse)


@pytest.fixture
def metabase() -> Iterator[Server]:
    """A Metabase that nobody has visited yet."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def applied(warehouse: Settings, tables: list[GoldTable]) -> State:
    """What a Metabase holds after the files were applied once; for reading."""
    with serve() as server:
        settings = replace(warehouse, metabase=MetabaseSettings(server.url, USER, USER_PASSWORD))
        apply(sign_in(settings.metabase), settings, read(ROOT / "metabase"), tables)
        return server.state


@pytest.fixture
def ready(applied: State, metabase: Server) -> State:
    """The same in the test's own Metabase."""
    for name, value in vars(deepcopy(applied)).items():
        setattr(metabase.state, name, value)
    return metabase.state


@pytest.fixture
def settings(warehouse: Settings, metabase: Server) -> Settings:
    """Settings that lead to both."""
    return replace(warehouse, metabase=MetabaseSettings(metabase.url, USER, USER_PASSWORD))
