"""The two roles that write to the warehouse, on a Postgres of their own: roles belong to the whole server."""

import os
import subprocess
from pathlib import Path

import psycopg2
import pytest

from sandbox.servers.postgres import Postgres, serve

SCRIPT = Path(__file__).resolve().parents[2] / "terraform" / "roles.sql"
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("postgres-roles")]


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        run(running, "create role lakehouse_admin login createdb createrole password 'admin'")
        run(running, "create database lakehouse owner lakehouse_admin")
        make_roles(running, "first", "second")
        yield running


def at(server: Postgres, role: str, password: str, database: str) -> str:
    place = server.url.partition("@")[2].partition("/")[0]
    return f"postgresql://{role}:{password}@{place}/{database}"


def run(server: Postgres, statement: str, url: str | None = None) -> list[tuple]:
    connection = psycopg2.connect(url or server.url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def make_roles(server: Postgres, loader: str, metabase: str) -> None:
    psql = str(server.bin_dir / "psql") if server.bin_dir else "psql"
    url = at(server, "lakehouse_admin", "admin", "lakehouse")
    passwords = {"LOADER_PASSWORD": loader, "METABASE_PASSWORD": metabase}
    done = subprocess.run(
        [psql, "--quiet", "--no-psqlrc", "--file", str(SCRIPT), url],
        env=os.environ | passwords,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_loader_makes_schemas_in_the_warehouse(server):
    loader = at(server, "lakehouse_loader", "first", "lakehouse")
    run(server, "create schema if not exists landing", loader)
    assert run(
        server, "select schema_owner from information_schema.schemata where schema_name = 'landing'", loader
    ) == [("lakehouse_loader",)]


def test_metabase_owns_a_database_of_its_own(server):
    run(server, "create table public.cards (id int)", at(server, "metabase_app", "second", "metabase"))


@pytest.mark.parametrize(
    ("role", "password", "database"),
    [("metabase_app", "second", "lakehouse"), ("lakehouse_loader", "first", "metabase")],
)
def test_neither_reaches_the_database_of_the_other(server, role, password, database):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(at(server, role, password, database))


@pytest.mark.parametrize("role", ["lakehouse_loader", "metabase_app"])
def test_neither_rules_the_server(server, role):
    query = f"select rolsuper or rolcreaterole or rolcreatedb or rolreplication from pg_roles where rolname = '{role}'"
    assert run(server, query) == [(False,)]


def test_a_second_run_sets_new_passwords_and_keeps_everything_else(server):
    run(server, "create schema if not exists kept", at(server, "lakehouse_loader", "first", "lakehouse"))
    make_roles(server, "it's \\new", "other")
    try:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(at(server, "lakehouse_loader", "first", "lakehouse"))
        place = psycopg2.connect(
            at(server, "lakehouse_loader", "", "lakehouse").replace(":@", "@"), password="it's \\new"
        )
        place.close()
    finally:
        make_roles(server, "first", "second")
    assert run(
        server,
        "select 1 from pg_namespace where nspname = 'kept'",
        at(server, "lakehouse_loader", "first", "lakehouse"),
    )
