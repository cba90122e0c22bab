"""The roles can do their work, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from pipelines.warehouse import roles
from pipelines.warehouse.landing import LANDING
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers.postgres import Postgres, serve
from sources.problem import Problem
from tests.pipelines.warehouse.synthetic import EVENTS, TABLES, make_build, plain_candidate

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("roles")]
PASSWORDS = {role: f"secret of {role}" for role in roles.ROLES}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of its own: roles belong to a whole server."""
    with serve() as server:
        yield server


@pytest.fixture
def database(server: Postgres) -> str:
    url = server.fresh()
    roles.create(url, PASSWORDS)
    return url


def as_role(url: str, role: str) -> str:
    at = urlsplit(url)
    return f"postgresql://{role}:{PASSWORDS[role].replace(' ', '%20')}@{at.hostname}:{at.port}{at.path}"


def publish(url: str, folder: Path, number: int) -> PostgresWarehouse:
    warehouse = PostgresWarehouse(url, "dev", Project(folder, folder, folder), plain_candidate)
    warehouse.publish(make_build(folder, number), f"r{number}", f"f{number}", TABLES)
    return warehouse


@pytest.fixture(scope="module")
def published(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a published gold, and what a killed publish leaves behind."""
    url = server.fresh()
    roles.create(url, PASSWORDS)
    publish(as_role(url, roles.PUBLISHER), tmp_path_factory.mktemp("published"), 1)
    with closing(psycopg2.connect(url)) as admin, admin, admin.cursor() as cursor:
        for schema in (LANDING, "candidate"):
            cursor.execute(f"create schema {schema} authorization {roles.PUBLISHER}")
            cursor.execute(f"set local role {roles.PUBLISHER}")
            cursor.execute(f"create table {schema}.daily (n integer)")
            cursor.execute("reset role")
    return url


@pytest.fixture
def bare(server: Postgres) -> Iterator[str]:
    """A database whose test gives other passwords; the server's roles are put right afterwards."""
    url = server.fresh()
    yield url
    roles.create(url, PASSWORDS)


def test_making_the_roles_twice_changes_nothing(database: str) -> None:
    assert roles.create(database, PASSWORDS) == [f"{role}: may log in" for role in roles.ROLES]


def test_a_role_without_a_password_cannot_log_in(bare: str) -> None:
    roles.create(bare, {})
    with pytest.raises(psycopg2.OperationalError, match=r"not permitted to log in|authentication failed"):
        psycopg2.connect(as_role(bare, roles.READER))


def test_the_publisher_publishes_rolls_back_and_keeps_what_snapshots_need(database: str, tmp_path: Path) -> None:
    url = as_role(database, roles.PUBLISHER)
    publish(url, tmp_path, 1)
    with closing(psycopg2.connect(as_role(database, roles.READER))) as reader, reader.cursor() as cursor:
        reader.set_session(isolation_level="REPEATABLE READ")
        cursor.execute("select 1")
        for number in (2, 3, 4):
            warehouse = publish(url, tmp_path, number)
        cursor.execute("select min(generation), max(generation), count(*) from fct_events")
        assert cursor.fetchall() == [(1, 1, EVENTS)]
    assert warehouse.rollback().run_id == "r3"


def test_what_another_user_published_is_handed_to_the_publisher(server: Postgres, tmp_path: Path) -> None:
    url = server.fresh()
    publish(url, tmp_path, 1)
    roles.create(url, PASSWORDS)
    publish(as_role(url, roles.PUBLISHER), tmp_path, 2)
    with closing(psycopg2.connect(as_role(url, roles.READER))) as reader, reader.cursor() as cursor:
        cursor.execute("select max(generation) from gold.daily")
        assert cursor.fetchall() == [(2,)]


def test_what_users_made_themselves_is_not_handed_over(server: Postgres, tmp_path: Path) -> None:
    url = server.fresh()
    publish(url, tmp_path, 1)
    with closing(psycopg2.connect(url)) as admin, admin.cursor() as cursor:
        cursor.execute("create role analyst; create schema gold_notes authorization analyst")
        cursor.execute("grant usage, create on schema gold to analyst; set role analyst")
        cursor.execute("create table gold_notes.diary (note text); create table gold.notes (note text); reset role")
        admin.commit()
        roles.create(url, PASSWORDS)
        cursor.execute(
            "select relname, relowner::regrole::text from pg_class where relname in ('diary', 'notes', 'daily')"
            " and relnamespace::regnamespace::text in ('gold', 'gold_notes', 'gold_r1')"
            " union all select nspname, nspowner::regrole::text from pg_namespace where nspname ~ '^gold_' order by 1"
        )
        owners = cursor.fetchall()
    ours = [("daily", roles.PUBLISHER)] * 2 + [("gold_r1", roles.PUBLISHER)]
    assert sorted(owners) == sorted([*ours, *((name, "analyst") for name in ("diary", "gold_notes", "notes"))])


@pytest.mark.parametrize(
    "attempt",
    [
        "insert into gold.daily select * from gold.daily",
        "delete from gold.daily",
        "drop view gold.daily",
        "create table gold.mine (n integer)",
        "create table public.mine (n integer)",
        "create temporary table mine (n integer)",
        "create schema mine",
        "create view gold.mine as select 1 as n",
        "select * from gold_r1.daily",
        "select * from landing.daily",
        "select * from candidate.daily",
        "select * from publication.pointer",
        "select * from ops.pipeline_runs",
        "copy gold.daily to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "set role lakehouse_publisher",
        "set role lakehouse_loader",
        "update publication.pointer set run_id = null",
    ],
)
def test_metabase_reads_gold_and_can_do_nothing_else_whatever_it_sets(published: str, attempt: str) -> None:
    with closing(psycopg2.connect(as_role(published, roles.READER))) as reader, reader.cursor() as cursor:
        reader.autocommit = True
        cursor.execute("select count(*) from daily")
        assert cursor.fetchall() == [(30,)]
        cursor.execute("set default_transaction_read_only = off")
        cursor.execute("set statement_timeout = 0")
        with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.UndefinedTable)):
            cursor.execute(attempt)


def test_the_copy_runs_as_the_loader_who_owns_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.warehouse import landing

    seen: list[object] = []
    attach = landing.attach_postgres

    def watching(own, connection, options):  # type: ignore[no-untyped-def]
        attach(own, connection, options)
        seen.extend(own.execute("from postgres_query('warehouse', 'select current_user::text')").fetchall())

    monkeypatch.setattr(landing, "attach_postgres", watching)
    publish(as_role(database, roles.PUBLISHER), tmp_path, 1)
    assert seen == [(landing.LOADER,)]


def test_the_loader_alone_sees_nothing_of_gold(database: str, tmp_path: Path) -> None:
    publish(as_role(database, roles.PUBLISHER), tmp_path, 1)
    with (
        closing(psycopg2.connect(as_role(database, "lakehouse_loader"))) as loader,
        loader.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute("select * from gold.daily")


def test_an_admin_who_may_not_make_roles_is_told(database: str) -> None:
    with pytest.raises(Problem, match="DESTINATION__WAREHOUSE__ADMIN_CREDENTIALS"):
        roles.create(as_role(database, roles.PUBLISHER), PASSWORDS)


def test_the_command_takes_passwords_from_the_settings_alone(
    bare: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import argparse

    from pipelines.settings import load

    url = bare
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", as_role(url, roles.PUBLISHER))
    monkeypatch.setenv("DESTINATION__WAREHOUSE__ADMIN_CREDENTIALS", url)
    monkeypatch.setenv("DESTINATION__WAREHOUSE__METABASE_PASSWORD", PASSWORDS[roles.READER])
    monkeypatch.setenv("DESTINATION__WAREHOUSE__PUBLISHER_PASSWORD", PASSWORDS[roles.PUBLISHER])
    assert roles.roles(load("tests"), argparse.Namespace()) == 0
    told = capsys.readouterr().out
    assert "lakehouse_loader: no password, cannot log in" in told
    assert not any(password in told for password in PASSWORDS.values())
    publish(as_role(url, roles.PUBLISHER), tmp_path, 1)
    with closing(psycopg2.connect(as_role(url, roles.READER))) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from fct_events")
        assert cursor.fetchall() == [(EVENTS,)]
