"""The warehouse as Metabase sees it: the connection, its tables and columns.

Metabase connects as the role `metabase`, which reads schema `gold` and nothing else.

Data flow: settings -> body of the connection; Metabase's metadata -> ids and descriptions of tables and columns
"""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from pipelines.dashboards.client import Metabase
from pipelines.dashboards.files import Source
from pipelines.settings import Settings
from pipelines.warehouse.roles import READER
from sources.problem import Problem, UsageProblem

SYNC_SECONDS = 180


@dataclass(frozen=True)
class Column:
    """A column as Metabase knows it."""

    id: int
    description: str | None


@dataclass(frozen=True)
class Table:
    """A table as Metabase knows it, its columns by name."""

    id: int
    description: str | None
    columns: Mapping[str, Column]


def connection_body(settings: Settings, source: Source) -> dict[str, Any]:
    """The connection, for `POST /api/database`.

    Raises:
        UsageProblem: The role has no password.
    """
    at = urlsplit(settings.metabase.warehouse or settings.warehouse.url)
    own = bool(settings.metabase.warehouse)
    password = unquote(at.password or "") if own else settings.warehouse.metabase_password
    if not password:
        raise UsageProblem("Metabase needs the password of its role: set DESTINATION__WAREHOUSE__METABASE_PASSWORD.")
    details = {
        "host": at.hostname or "localhost",
        "port": at.port or 5432,
        "dbname": unquote(at.path.lstrip("/")),
        "user": unquote(at.username or READER) if own else READER,
        "password": password,
        "ssl": "sslmode=require" in at.query or "sslmode=verify" in at.query,
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": source.schema,
    }
    return {"name": source.name, "engine": "postgres", "details": details, "is_full_sync": True}


def without_secret(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with a slow digest in place of the password, so that a new one is noticed and none is kept."""
    details = dict(body["details"])
    salt = f"{details['host']}:{details['dbname']}".encode()
    details["password"] = hashlib.scrypt(details["password"].encode(), salt=salt, n=2**14, r=8, p=1, dklen=4).hex()
    return {**body, "details": details}


def tables(metabase: Metabase, database: int, schema: str, needed: Iterable[str]) -> dict[str, Table]:
    """The tables of the schema by name; Metabase looks again where something needed is unknown to it.

    Args:
        metabase: The connection.
        database: Number of the warehouse in it.
        schema: The schema to read.
        needed: `table.column` that must be known.

    Raises:
        Problem: They do not appear.
    """
    wanted, found = set(needed), _read(metabase, database, schema)
    if wanted <= _names(found):
        return found
    metabase.post(f"/api/database/{database}/sync_schema")
    deadline = time.monotonic() + SYNC_SECONDS
    while not wanted <= _names(found):
        if time.monotonic() > deadline:
            missing = ", ".join(sorted(wanted - _names(found))[:5])
            raise Problem(f"Metabase does not see {missing} in schema {schema}: publish first, then apply again.")
        time.sleep(0.5)
        found = _read(metabase, database, schema)
    return found


def rehearsed(metabase: Metabase, database: int, schema: str, needed: Iterable[str]) -> dict[str, Table]:
    """The tables as Metabase would see them: what it does not know yet has the number 0."""
    found = _read(metabase, database, schema)
    for name in sorted(set(needed) - _names(found)):
        table, _, column = name.partition(".")
        known = found.get(table, Table(0, None, {}))
        found[table] = replace(known, columns={**known.columns, column: Column(0, None)})
    return found


def _read(metabase: Metabase, database: int, schema: str) -> dict[str, Table]:
    answer = metabase.get(f"/api/database/{database}/metadata", include_hidden="true") or {}
    return {table["name"]: _table(table) for table in answer.get("tables", []) if table.get("schema") == schema}


def _table(table: Mapping[str, Any]) -> Table:
    columns = {item["name"]: Column(item["id"], item.get("description")) for item in table.get("fields", [])}
    return Table(table["id"], table.get("description"), columns)


def _names(found: Mapping[str, Table]) -> set[str]:
    return {f"{name}.{column}" for name, table in found.items() for column in table.columns}
