"""MariaDB, standing for the MySQL that a catalog lives in.

Started from a temporary data folder with settings that make it quick and forgetful: nothing here outlives a test.

Data flow: Debian's mariadb-server-core -> mariadbd on a free port -> `mysql+pymysql://` URL
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from sandbox.servers.process import ATTEMPTS, Server, User, folder, free_ports, process, run, unprivileged
from sandbox.servers.programs import find, install
from sources.problem import Problem

PACKAGES = ("mariadb-server-core", "mariadb-client-core")
SETTING = "TEST_MARIADB_URL"
QUICK = (
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--character-set-server=utf8mb4",
)


@dataclass(frozen=True)
class MariaDB:
    """A running server.

    Attributes:
        url: SQLAlchemy URL of a user who may make databases, without a database.
        server: The process; None for a given server.
    """

    url: str
    server: Server | None = None
    made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """Makes an empty database and returns its URL; it is dropped with `clean`."""
        name = f"test_{uuid4().hex[:12]}"
        _execute(self.url, f"create database {name} character set utf8mb4")
        self.made.append(f"database if exists {name}")
        return f"{self.url.rstrip('/')}/{name}"

    def reader(self, url: str) -> str:
        """Makes a user who may SELECT from the database of a URL and nothing else; returns the URL of that user."""
        import sqlalchemy as sa

        own, name, password = sa.make_url(url), f"reader_{uuid4().hex[:12]}", uuid4().hex
        _execute(self.url, f"create user {name}@'%' identified by '{password}'")
        _execute(self.url, f"grant select on {own.database}.* to {name}@'%'")
        self.made.append(f"user if exists {name}@'%'")
        return own.set(username=name, password=password).render_as_string(hide_password=False)

    def clean(self) -> None:
        """Drops what `fresh` and `reader` made."""
        while self.made:
            _execute(self.url, f"drop {self.made.pop()}")


@dataclass(frozen=True)
class Programs:
    """The two programs, and the arguments that unpacked ones need to find their files."""

    install_db: Path
    server: Path
    install_arguments: tuple[str, ...] = ()
    server_arguments: tuple[str, ...] = ()


def programs() -> Programs:
    """Finds MariaDB's programs, or installs them.

    Raises:
        Problem: They are not here and could not be installed.
    """
    found = _find(Path("/"))
    if found:
        return found
    root = install(PACKAGES, SETTING)
    found = _find(root)
    if not found:
        raise Problem(f"{PACKAGES[0]} is installed below {root}, but mariadbd is not there. Name a server: {SETTING}.")
    return found


def _find(root: Path) -> Programs | None:
    if root == Path("/"):
        prepare, server = find("mariadb-install-db"), find("mariadbd")
        return Programs(prepare, server) if prepare and server else None
    base = root / "usr"
    here = f"--basedir={base}"
    shares = (here, f"--lc-messages-dir={base}/share/mysql", f"--plugin-dir={base}/lib/mysql/plugin")
    return Programs(base / "bin/mariadb-install-db", base / "sbin/mariadbd", (here, "--builddir="), shares)


@contextlib.contextmanager
def serve() -> Iterator[MariaDB]:
    """A server of one's own for as long as the context lasts.

    Raises:
        Problem: It could not be installed or started.
    """
    found = programs()
    with contextlib.ExitStack() as stack:
        user, place = unprivileged(), stack.enter_context(folder("mariadb"))
        user.own(place)
        _prepare(found, place, user)
        yield _start(stack, found, place, user)


# a server that starts deletes every #sql* file in its temporary folder, those of its neighbours in /tmp too
def _prepare(found: Programs, place: Path, user: User) -> None:
    run(
        [
            found.install_db, "--no-defaults", f"--datadir={place}/data", f"--tmpdir={place}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve", *found.install_arguments,
        ],
        user,
    )  # fmt: skip


def _start(stack: contextlib.ExitStack, found: Programs, place: Path, user: User) -> MariaDB:
    for attempt in range(ATTEMPTS):
        (port,) = free_ports(1)
        url = f"mysql+pymysql://root@127.0.0.1:{port}"
        command = [
            found.server, "--no-defaults", f"--datadir={place}/data", f"--tmpdir={place}",
            f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={place}/my.sock", f"--pid-file={place}/my.pid", *QUICK, *found.server_arguments,
        ]  # fmt: skip
        try:
            server = stack.enter_context(process(command, place / "log", partial(_answers, url), user))
        except Problem:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return MariaDB(url, server)
    raise AssertionError


def _answers(url: str) -> bool:
    import pymysql

    try:
        _execute(url, "select 1")
    except pymysql.err.OperationalError:
        return False
    return True


def _execute(url: str, statement: str) -> None:
    import pymysql
    from sqlalchemy.engine import make_url

    at = make_url(url)
    with (
        contextlib.closing(
            pymysql.connect(
                host=at.host, port=at.port or 3306, user=at.username, password=str(at.password or ""), autocommit=True
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
