"""What first-run.sh does to the warehouse, on a Postgres of its own whose administrator is no superuser, as on RDS."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from pipelines.warehouse import roles
from sandbox.servers.postgres import Postgres, serve

SCRIPT = Path(__file__).resolve().parents[2] / "terraform" / "metabase.sql"
PASSWORDS = {roles.PUBLISHER: "publisher", roles.READER: "reader"}
pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with serve() as running:
        run(running.url, "create role lakehouse_admin login createdb createrole password 'admin'")
        run(running.url, "create database lakehouse owner lakehouse_admin")
        roles.create(at(running, "lakehouse_admin", "admin"), PASSWORDS)
        make_metabase(running, "app")
        yield running


def at(server: Postgres, role: str, password: str, database: str = "lakehouse") -> str:
    place = server.url.partition("@")[2].partition("/")[0]
    return f"postgresql://{role}:{password}@{place}/{database}"


def run(url: str, statement: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def make_metabase(server: Postgres, password: str) -> None:
    psql = str(server.bin_dir / "psql") if server.bin_dir else "psql"
    done = subprocess.run(
        [psql, "--quiet", "--no-psqlrc", "--file", str(SCRIPT), at(server, "lakehouse_admin", "admin")],
        env=os.environ | {"METABASE_APP_PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_publisher_makes_schemas_in_the_warehouse(server):
    url = at(server, roles.PUBLISHER, "publisher")
    run(url, "create schema landing")
    owner = "select schema_owner from information_schema.schemata where schema_name = 'landing'"
    assert run(url, owner) == [(roles.PUBLISHER,)]


def test_the_reader_reads_what_the_publisher_makes(server):
    run(at(server, roles.PUBLISHER, "publisher"), "create table gold.seen as select 1 as one")
    assert run(at(server, roles.READER, "reader"), "select one from gold.seen") == [(1,)]


def test_metabase_owns_a_database_of_its_own(server):
    run(at(server, "metabase_app", "app", "metabase"), "create table public.cards (id int)")


@pytest.mark.parametrize(
    ("role", "password", "database"),
    [
        ("metabase_app", "app", "lakehouse"),
        (roles.PUBLISHER, "publisher", "metabase"),
        (roles.READER, "reader", "metabase"),
    ],
)
def test_nobody_reaches_the_database_of_the_other(server, role, password, database):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(at(server, role, password, database))


def test_none_of_the_roles_rules_the_server(server):
    query = "select rolname from pg_roles where (rolsuper or rolcreaterole or rolcreatedb) and rolname not like 'pg_%'"
    assert {name for (name,) in run(server.url, query)} == {"postgres", "lakehouse_admin"}


def test_a_second_run_sets_new_passwords_and_keeps_everything_else(server):
    run(at(server, "metabase_app", "app", "metabase"), "create table public.kept (id int)")
    make_metabase(server, "it's \\new")
    try:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(at(server, "metabase_app", "app", "metabase"))
        psycopg2.connect(at(server, "metabase_app", "x", "metabase"), password="it's \\new").close()
        roles.create(at(server, "lakehouse_admin", "admin"), PASSWORDS)
    finally:
        make_metabase(server, "app")
    assert run(at(server, "metabase_app", "app", "metabase"), "select count(*) from public.kept") == [(0,)]
