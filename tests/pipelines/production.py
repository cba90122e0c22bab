"""The production path for tests: three real servers, each behind a proxy that can break, and rights no wider than needed.

The catalog is read by a user with SELECT alone, the lake is one prefix of a bucket whose policy denies everything else,
the warehouse is written as `lakehouse_publisher`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
from sqlalchemy import create_engine, make_url, text

from sandbox.servers.mariadb import MariaDB
from sandbox.servers.postgres import Postgres
from sandbox.servers.seaweedfs import S3, Bucket
from tests.environment import ROOT, Environment
from tests.proxy import Proxy, between

PREFIX = "listening"
PATIENCE = {"connect_timeout": 10, "read_timeout": 10, "retries": {"mode": "standard", "max_attempts": 1}}
"""As in .dlt/config.toml, but for the wait for an answer, which is a minute there."""
TABLES = {
    "spotify_tracks": ("track_id", "dim_tracks"),
    "spotify_albums": ("album_id", "dim_albums"),
    "spotify_artists": ("artist_id", "dim_artists"),
}


@dataclass(frozen=True)
class Production:
    """One environment on three servers.

    Attributes:
        environment: Its settings name the proxies.
        catalog: URL of the catalog for a user who may write, past the proxy.
        warehouse: URL of the database for its admin, past the proxy.
        mysql, s3, postgres: The proxies.
        store, bucket: The S3 server and the bucket's name, past the proxy.
        said: What the first run said on stdout.
    """

    environment: Environment
    catalog: str
    warehouse: str
    mysql: Proxy
    s3: Proxy
    postgres: Proxy
    store: S3
    bucket: str
    said: list[str] = field(default_factory=list)

    def in_catalog(self, statement: str) -> Any:
        """Run a statement in the catalog as somebody who may write."""
        engine = create_engine(self.catalog)
        try:
            with engine.begin() as connection:
                answer = connection.execute(text(statement))
                return answer.scalar_one() if answer.returns_rows else None
        finally:
            engine.dispose()

    def in_warehouse(self, query: str, role: str = "metabase") -> list[tuple[Any, ...]]:
        """Ask the warehouse as a role."""
        with closing(psycopg2.connect(as_role(self.warehouse, role))) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def gold(self) -> dict[str, tuple[int, int]]:
        """Rows and a checksum of every published table, whatever the order of its rows."""
        names = [name for (name,) in self.in_warehouse("select viewname from pg_views where schemaname = 'gold'")]
        each = ", ".join(
            f"(select count(*) || '/' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from gold.{name} as t)"
            for name in sorted(names)
        )
        return dict(zip(sorted(names), self.in_warehouse(f"select {each}")[0], strict=True))

    def counts(self) -> dict[str, list[int]]:
        """Rows of each catalog table: in the catalog, in bronze, in silver, and how many of those are published."""
        parts = []
        for table, (key, dimension) in TABLES.items():
            silver = f"silver.stg_catalog__{table.removeprefix('spotify_')}"
            parts += [
                f"(select count(distinct {key}) from bronze.catalog__{table}) as bronze_{key}",
                f"(select count(*) from {silver}) as silver_{key}",
                f"(select count(*) from gold.{dimension} where {key} in (select {key} from {silver})) as gold_{key}",
            ]
        row = self.environment.ask(f"select {', '.join(parts)}")[0]
        return {
            table: [
                self.in_catalog(f"select count(*) from {table}"),
                *(int(row[f"{station}_{key}"]) for station in ("bronze", "silver", "gold")),
            ]
            for table, (key, _) in TABLES.items()
        }


def as_role(url: str, role: str) -> str:
    """The URL of a database for a role, whose password is its name."""
    return make_url(url).set(username=role, password=role).render_as_string(hide_password=False)


@contextmanager
def production(mariadb: MariaDB, postgres: Postgres, s3: S3, folder: Path) -> Iterator[Production]:
    """An environment whose catalog is filled, whose roles are made, and in which nothing has run yet."""
    with ExitStack() as stack:
        filled, database, bucket = mariadb.fresh(), postgres.fresh(), s3.fresh()
        only_one_prefix(s3, bucket)
        proxies = {
            name: stack.enter_context(between(at.host or "127.0.0.1", at.port or port))
            for name, at, port in (
                ("mysql", make_url(filled), 3306),
                ("s3", make_url(s3.url), 80),
                ("postgres", make_url(database), 5432),
            )
        }
        settings = {
            "SOURCES__CATALOG__CREDENTIALS": through(reader_of(mariadb, filled), proxies["mysql"]),
            "DESTINATION__WAREHOUSE__CREDENTIALS": through(
                as_role(database, "lakehouse_publisher"), proxies["postgres"]
            ),
            **bucket.environment,
            "DESTINATION__LAKE__BUCKET_URL": f"{bucket.bucket_url}/{PREFIX}",
            "DESTINATION__LAKE__CREDENTIALS__ENDPOINT_URL": f"http://127.0.0.1:{proxies['s3'].port}",
            "DESTINATION__LAKE__KWARGS": json.dumps({"config_kwargs": PATIENCE}),
            "LAKEHOUSE__LOCK_WAIT": "300",
        }
        name = bucket.bucket_url.removeprefix("s3://")
        place = Production(Environment(folder / "data", settings), filled, database, **proxies, store=s3, bucket=name)
        prepare(place)
        yield place


def prepare(place: Production) -> None:
    """Furnish the empty servers as compose.yaml does: a catalog, its reader, the roles."""
    settings = {
        "CATALOG_ADMIN": place.catalog,
        "DESTINATION__WAREHOUSE__ADMIN_CREDENTIALS": place.warehouse,
        "DESTINATION__WAREHOUSE__PUBLISHER_PASSWORD": "lakehouse_publisher",
        "DESTINATION__WAREHOUSE__LOADER_PASSWORD": "lakehouse_loader",
        "DESTINATION__WAREHOUSE__METABASE_PASSWORD": "metabase",
    }
    for _ in range(2):  # again at every start
        subprocess.run(
            [sys.executable, "-m", "sandbox.servers.furnish"],
            cwd=ROOT,
            env={**place.environment.variables, **settings},
            check=True,
        )


def reader_of(mariadb: MariaDB, url: str) -> str:
    """The URL of a user who is not there yet, and is dropped with the server's databases."""
    name = f"reader_{uuid4().hex[:12]}"
    mariadb.made.append(f"user if exists {name}@'%'")
    patience = {"read_timeout": "10"}
    return make_url(url).set(username=name, password=f"it's % {name}", query=patience).render_as_string(False)


def through(url: str, proxy: Proxy) -> str:
    """A URL that goes through a proxy."""
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


def only_one_prefix(s3: S3, bucket: Bucket) -> None:
    """Deny everything outside the lake's prefix, to everybody."""
    name = bucket.bucket_url.removeprefix("s3://")
    arn = f"arn:aws:s3:::{name}"
    everybody = {"Effect": "Deny", "Principal": "*"}
    other = {**everybody, "Action": "s3:*", "NotResource": [arn, f"{arn}/{PREFIX}/*"]}
    listing = {
        **everybody,
        "Action": "s3:ListBucket",
        "Resource": arn,
        "Condition": {"StringNotLike": {"s3:prefix": [PREFIX, f"{PREFIX}/*"]}},
    }
    policy = {"Version": "2012-10-17", "Statement": [other, listing]}
    s3.client().put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
