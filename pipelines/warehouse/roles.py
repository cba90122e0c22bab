"""Three roles in Postgres, each with the rights that its work needs and no more.

| role | may |
|---|---|
| `lakehouse_publisher` | make and own the schemas of the warehouse; the pipeline connects as this |
| `lakehouse_loader` | fill the tables of `landing`; the publisher becomes this for the copy |
| `metabase` | read `gold`, whose two functions tell of runs and reconciliation (see health) |

The grants are the guard: the settings of `metabase` (read only, a statement's time) can be switched off by the session
itself. A reader that idles in a transaction is ended after minutes, since a publish waits for readers. Making the roles
again changes nothing but what differs; a database that was published to by somebody else is handed to the publisher.

Data flow: admin's connection, passwords from the settings -> roles, owners, grants
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from pipelines.duck import literal, quote
from pipelines.settings import Settings
from pipelines.warehouse import GOLD, OPS, health, ops
from pipelines.warehouse.generations import exists, read_kept
from pipelines.warehouse.landing import LOADER
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

PUBLISHER, READER = "lakehouse_publisher", "metabase"
ROLES = (LOADER, PUBLISHER, READER)
READER_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "2min",
    "idle_in_transaction_session_timeout": "5min",
    "search_path": GOLD,
}
OWNED = (GOLD, OPS, "publication", "landing", "candidate")


def make_roles(settings: Settings) -> list[str]:
    """Makes the roles in the warehouse of the settings.

    The passwords come from `DESTINATION__WAREHOUSE__{LOADER,PUBLISHER,METABASE}_PASSWORD`; a role without one cannot
    log in. `DESTINATION__WAREHOUSE__ADMIN_CREDENTIALS` is who makes them; without it the warehouse's own user does.

    Returns:
        One line for each role.

    Raises:
        UsageProblem: The warehouse is no Postgres.
        Problem: The admin may not make roles, or the database cannot be reached.
    """
    warehouse = settings.warehouse
    if not warehouse.is_postgres:
        raise UsageProblem(
            "The warehouse is a DuckDB file, which has no roles: set DESTINATION__WAREHOUSE__CREDENTIALS."
        )
    given = {
        LOADER: warehouse.loader_password,
        PUBLISHER: warehouse.publisher_password,
        READER: warehouse.metabase_password,
    }
    passwords = {role: password for role, password in given.items() if password}
    return create(warehouse.admin_credentials or warehouse.url, passwords)


def roles(settings: Settings, _options: argparse.Namespace) -> int:
    """The command: makes the roles and tells of each."""
    for line in make_roles(settings):
        sys.stdout.write(f"{line}\n")
    return 0


def create(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Makes the roles in a database, or brings them up to date.

    Args:
        admin_url: URL of a user who may make roles and owns the database.
        passwords: By role.

    Raises:
        Problem: Postgres refused.
    """
    import psycopg2

    try:
        with closing(psycopg2.connect(admin_url)) as connection, connection, connection.cursor() as cursor:
            for role in ROLES:
                _create_role(cursor, role, passwords.get(role))
            for statement in _grants():
                cursor.execute(statement)
            cursor.execute(ops.in_postgres())
            _hand_over(cursor)
            for statement in health.statements(PUBLISHER, READER):
                cursor.execute(statement)
    except psycopg2.Error as error:
        reason = " ".join(str(error).split())
        raise Problem(f"The roles were not made: {reason} Check DESTINATION__WAREHOUSE__ADMIN_CREDENTIALS.") from error
    return [f"{role}: {'may log in' if role in passwords else 'no password, cannot log in'}" for role in ROLES]


def _create_role(cursor: "Cursor", role: str, password: str | None) -> None:
    from psycopg2.extensions import encrypt_password

    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    if not cursor.fetchall():
        cursor.execute(f"create role {quote(role)}")
    # the server never gets the password itself, and so cannot log it
    secret = literal(encrypt_password(password, role, cursor.connection, "scram-sha-256")) if password else "null"
    login = "login" if password else "nologin"
    rights = "nocreatedb nocreaterole connection limit 30"  # a managed server's admin may not name the other rights
    cursor.execute(f"alter role {quote(role)} with {login} {rights} password {secret}")


def _grants() -> list[str]:
    settings = [f"alter role {READER} set {name} = {literal(value)}" for name, value in READER_SETTINGS.items()]
    return [
        f"do $$ begin execute format('revoke temporary, create on database %I from public', current_database());"
        f" execute format('grant connect, create, temporary on database %I to {PUBLISHER}', current_database());"
        f" execute format('grant connect on database %I to {LOADER}, {READER}', current_database()); end $$",
        "revoke create on schema public from public",
        f"grant {LOADER} to {PUBLISHER}",
        f"grant {PUBLISHER} to current_user",
        *(f"create schema if not exists {schema}" for schema in (GOLD, OPS, "publication")),
        f"revoke all on schema {GOLD}, {OPS}, publication from public",
        f"grant usage on schema {GOLD} to {READER}",
        f"grant select on all tables in schema {GOLD} to {READER}",
        f"alter default privileges for role {PUBLISHER} in schema {GOLD} grant select on tables to {READER}",
        *settings,
    ]


def _hand_over(cursor: "Cursor") -> None:
    """Makes the publisher the owner of what another user published before; what users made themselves is left."""
    kept = read_kept(cursor) if exists(cursor) else []
    schemas = [*OWNED, *(generation.schema for generation in kept)]
    published = [name for generation in kept for name in generation.tables]
    cursor.execute(
        f"""
        select format('alter schema %%I owner to {PUBLISHER}', nspname)
        from pg_namespace where nspname = any(%s) and nspowner <> '{PUBLISHER}'::regrole
        union all
        select format('alter %%s %%s owner to {PUBLISHER}', case relkind when 'v' then 'view' else 'table' end,
            pg_class.oid::regclass)
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = any(%s) and (nspname <> '{GOLD}' or relname = any(%s)) and relkind in ('r', 'v')
            and relowner <> '{PUBLISHER}'::regrole
        """,
        (schemas, schemas, published),
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement)
