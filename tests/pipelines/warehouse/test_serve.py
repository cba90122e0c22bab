"""dbt makes the candidate: every constraint that a gold model declares holds in Postgres."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pipelines.dbt_run import close_build
from pipelines.warehouse.gold import read_tables
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.serve import Project
from sandbox.servers.postgres import Postgres, serve
from sources.problem import RedAudit

pytestmark = pytest.mark.servers
DBT = Path(__file__).parents[3] / "dbt"
MACROS = ("serve.sql", "serve_materialization.sql", "generate_schema_name.sql")
CONSTRAINTS = """
select conrelid::regclass::text, contype::text, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'gold_r1'::regnamespace and contype <> 'n' order by 1, 2
"""


@dataclass(frozen=True)
class Place:
    """A warehouse, the dbt project that fills it, and a way to build."""

    warehouse: PostgresWarehouse
    url: str
    build: Callable[..., Path]

    def publish(self, run_id: str, **variables: object) -> None:
        build = self.build(**variables)
        tables = read_tables(build.parent / "manifest.json")
        self.warehouse.publish(build, run_id, f"f{run_id}", tables)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture
def place(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    project = tmp_path / "dbt"
    shutil.copytree(Path(__file__).with_name("project"), project)
    (project / "macros").mkdir()
    for name in MACROS:
        shutil.copy(DBT / "macros" / name, project / "macros")
    shutil.copytree(DBT / "tests", project / "tests")
    shutil.copy(DBT / "profiles.yml", project)
    monkeypatch.setenv("LAKEHOUSE_BUILD_FILE", str(tmp_path / "lake" / "lakehouse.duckdb"))
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))

    def build(**variables: object) -> Path:
        from dbt.cli.main import dbtRunner

        places = ["--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(tmp_path / "logs")]
        lake = ["run", "--target", "lake", "--target-path", str(tmp_path / "lake"), "--log-level", "none"]
        made = dbtRunner().invoke([*lake, *places, "--exclude", "path:models/serve", "--vars", json.dumps(variables)])
        assert made.success, made
        close_build()
        return tmp_path / "lake" / "lakehouse.duckdb"

    url = postgres.fresh()
    own = Project(project, tmp_path / "serve", tmp_path / "logs")
    return Place(PostgresWarehouse(url, "dev", own), url, build)


def at(place: Place, url: str) -> Place:
    """The same project with its warehouse elsewhere."""
    return replace(place, warehouse=PostgresWarehouse(url, "dev", place.warehouse.project), url=url)


def certify(data: Path) -> Path:
    """Give a server a certificate for 127.0.0.1, and return a copy that everybody may read."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    text = made.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    for file, content in ((data / "server.crt", text), (data / "server.key", secret)):
        file.write_bytes(content)
        file.chmod(0o600)
        os.chown(file, data.stat().st_uid, data.stat().st_gid)
    return data / "server.crt"


def test_dbt_makes_keys_checks_indexes_and_comments_from_the_gold_models(place: Place) -> None:
    place.publish("r1")
    assert place.ask(CONSTRAINTS) == [
        ("gold_r1.dim_things", "p", "PRIMARY KEY (thing_id)"),
        (
            "gold_r1.fct_events",
            "c",
            "CHECK (((kind)::text = ANY ((ARRAY['it''s'::character varying, 'that'::character varying])::text[])))",
        ),
        ("gold_r1.fct_events", "f", "FOREIGN KEY (thing_id) REFERENCES gold_r1.dim_things(thing_id)"),
        ("gold_r1.fct_events", "p", "PRIMARY KEY (event_id)"),
    ]
    indexed = place.ask("select indexdef from pg_indexes where schemaname = 'gold_r1' and indexdef like '%(thing_id)'")
    assert len(indexed) == 2
    assert place.ask(
        "select obj_description('gold.dim_things'::regclass), col_description('gold.dim_things'::regclass, 2)"
    ) == [("One row per thing; it's small.", "A column named like a word of SQL.")]
    assert place.ask("select count(*), min(happened_at)::text, sum(amount) from gold.fct_events") == [
        (100, "2026-01-01 00:00:00+00", pytest.approx(sum(number / 7 for number in range(100))))
    ]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"duplicate": True}, r"event_id.*is duplicated"),
        pytest.param({"orphan": True}, r"violates foreign key constraint", marks=pytest.mark.long),
    ],
)
def test_rows_that_break_a_constraint_are_a_red_audit(place: Place, fault: dict[str, bool], named: str) -> None:
    place.publish("r1")
    with pytest.raises(RedAudit, match=named):
        place.publish("r2", **fault)
    published = place.warehouse.published()
    assert published
    assert published.run_id == "r1"
    assert place.ask("select count(*) from gold.fct_events") == [(100,)]
    assert place.ask("select count(*) from gold.dim_things") == [(10,)]


def test_the_certificate_that_the_url_names_is_dbt_s_too(place: Place, tmp_path: Path) -> None:
    with serve() as server:
        own = at(place, server.fresh())
        ((data,),) = own.ask("show data_directory")
        root = shutil.copy(certify(Path(data)), tmp_path / "root.pem")
        with closing(psycopg2.connect(own.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("alter system set ssl = on")
            cursor.execute("select pg_reload_conf()")
        own = at(place, f"{own.url}?sslmode=verify-full&sslrootcert={root}")
        own.publish("r1")
        assert own.ask("select count(*) from gold.fct_events") == [(100,)]


def test_what_the_url_leaves_to_the_environment_is_dbt_s_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    given = urlsplit(place.url)
    parts = {"HOST": given.hostname, "PORT": str(given.port), "USER": given.username, "PASSWORD": given.password}
    for name, value in parts.items():
        monkeypatch.setenv(f"PG{name}", str(value))
    own = at(place, f"postgresql://{given.path}")
    own.publish("r1")
    assert own.ask("select count(*) from gold.fct_events") == [(100,)]
