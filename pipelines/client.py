"""`make mysql`, `make psql`: a shell on the catalog's or the warehouse's server, whichever the profile names.

The server's own client is opened where it is installed. Its password goes through a file that only its owner can read
(MySQL) or the environment (Postgres), so that no list of processes shows it. Without a client a small prompt of our own
takes statements that end with a semicolon.

Data flow: settings -> client program, or prompt -> server

Run it: `python -m pipelines.client psql --profile prod`
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from pipelines.cli import alone
from pipelines.settings import Settings
from sources.problem import UsageProblem

if TYPE_CHECKING:
    import sqlalchemy as sa

PACKAGES = {"mysql": "mariadb-client", "psql": "postgresql-client"}
PROGRAMS = {"mysql": ("mariadb", "mysql"), "psql": ("psql",)}
LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
         "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}  # fmt: skip


def client(settings: Settings, arguments: list[str]) -> int:
    """Open the shell; what follows `--` goes to the client.

    Raises:
        UsageProblem: The profile names no such server.
    """
    parser = argparse.ArgumentParser(prog="python -m pipelines.client")
    parser.add_argument("kind", choices=PROGRAMS)
    options, more = parser.parse_known_args(arguments)
    url = URLS[options.kind](settings)
    program = next(filter(None, map(shutil.which, PROGRAMS[options.kind])), None)
    if not program:
        sys.stderr.write(f"No client here (apt-get install {PACKAGES[options.kind]}): a small prompt instead.\n")
        return prompt(url, sys.stdin, sys.stdout)
    with STARTS[options.kind](program, url) as (command, environment):
        words = [word for word in more if word != "--"]
        return subprocess.run([*command, *words], env={**os.environ, **environment}, check=False).returncode  # noqa: S603


def _catalog(settings: Settings) -> str:
    url = settings.catalog.credentials
    if not url.startswith(("mysql", "mariadb")):
        raise UsageProblem(
            f"The catalog of the profile {settings.profile} is no MySQL: set SOURCES__CATALOG__CREDENTIALS, or name "
            "another profile with --profile."
        )
    return url


def _warehouse(settings: Settings) -> str:
    if not settings.warehouse.is_postgres:
        raise UsageProblem(
            f"The warehouse of the profile {settings.profile} is a DuckDB file: `make sql` opens it. For a Postgres "
            "set DESTINATION__WAREHOUSE__CREDENTIALS, or name another profile with --profile."
        )
    return settings.warehouse.url


@contextmanager
def _mysql(program: str, url: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    import sqlalchemy as sa

    at = sa.make_url(url)
    lines = [f"host={at.host or '127.0.0.1'}", f"port={at.port or 3306}", "protocol=tcp"]
    lines += [f"user={_quoted(at.username)}"] if at.username else []
    lines += [f"password={_quoted(str(at.password))}"] if at.password else []
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:  # made with mode 600
        file.write("\n".join(["[client]", *lines]) + "\n")
        file.flush()
        database = [at.database] if at.database else []
        yield [program, f"--defaults-extra-file={file.name}", *database], {}


@contextmanager
def _psql(program: str, url: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    from psycopg2.extensions import parse_dsn

    yield [program], {LIBPQ[name]: value for name, value in parse_dsn(url).items() if name in LIBPQ}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def prompt(url: str, lines: IO[str], to: IO[str]) -> int:
    """Answer statements, each of which ends with a semicolon, until the input ends.

    Returns:
        1 when the last statement failed, else 0.
    """
    import sqlalchemy as sa

    from sources.catalog.database import open_database

    failed, text = 0, ""
    engine = open_database(url.replace("postgres://", "postgresql://", 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for line in lines:
            text += line
            if not text.rstrip().endswith(";"):
                continue
            try:
                _answer(connection.exec_driver_sql(text.rstrip("; \n").replace("%", "%%")), to)
                failed = 0
            except sa.exc.SQLAlchemyError as error:
                to.write(f"{getattr(error, 'orig', None) or error}\n")
                failed = 1
            text = ""
    engine.dispose()
    return failed


def _answer(result: "sa.CursorResult[Any]", to: IO[str]) -> None:
    if not result.returns_rows:
        to.write(f"{result.rowcount} rows\n")
        return
    to.write("\t".join(result.keys()) + "\n")
    for row in result:
        to.write("\t".join("NULL" if value is None else str(value) for value in row) + "\n")


URLS = {"mysql": _catalog, "psql": _warehouse}
STARTS = {"mysql": _mysql, "psql": _psql}

if __name__ == "__main__":
    sys.exit(alone(client))
