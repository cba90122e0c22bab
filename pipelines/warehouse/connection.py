"""Connections to Postgres that end: a server that goes without a word is given up after a minute or so.

Keepalives and `tcp_user_timeout` end a line that is gone. They do not end one whose other side takes every byte and
answers none, as a hanging server or a proxy does; and a statement may well take minutes, so that no clock tells the
two apart. So while anybody waits, a thread connects anew from time to time: a server that lets nobody in, twice
running, is not at work. Then every connection of this process to it is ended, dbt's and DuckDB's too, and whoever
waits hears of it.

Data flow: URL -> parameters of libpq -> connection, watched until it is closed
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

SETTING = "DESTINATION__WAREHOUSE__CREDENTIALS"
CONNECT_SECONDS = 10
START_SECONDS = 10
LOOK_SECONDS = 20
MISSES = 2
# a line that is gone without a word is given up after a minute
ALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
STARTING = "the database system is"  # starting up, in recovery mode, not yet accepting connections


def parameters(url: str, application: str) -> dict[str, str]:
    """The parameters of libpq for a URL, with bounds where it names none.

    Raises:
        UsageProblem: It is no URL of a Postgres database.
    """
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import parse_dsn

    try:
        given = parse_dsn(url)
    except ProgrammingError as error:
        raise UsageProblem(f"{SETTING} is no URL of a Postgres database.") from error
    return {"connect_timeout": str(CONNECT_SECONDS), **ALIVE, **given, "application_name": application}


def opened(connection: "Connection") -> dict[str, str]:
    """The parameters of an open connection, with what libpq took from its environment and files."""
    info = connection.info
    return {**info.dsn_parameters, "host": info.host, "port": str(info.port), "password": info.password}


@contextmanager
def connected(given: Mapping[str, str]) -> Iterator["Connection"]:
    """A connection, watched until the context ends.

    Raises:
        Problem: The server cannot be reached, refuses, or has fallen silent.
    """
    import psycopg2

    try:
        with closing(_connect(given)) as connection, watched(connection, given):
            yield connection
    except psycopg2.Error as error:
        raise Problem(f"The warehouse failed: {_reason(error)}. Check that it runs, and {SETTING}.") from error


@contextmanager
def watched(connection: "Connection", given: Mapping[str, str]) -> Iterator[None]:
    """End every connection of this process to the server of this one when it lets nobody in any more.

    Raises:
        Problem: That happened.
    """
    watch = _Watch(_peer(connection.fileno()), {**given, "connect_timeout": str(CONNECT_SECONDS)})
    watch.start()
    try:
        yield
    except Exception as error:
        if not watch.gave_up:
            raise
        raise Problem(
            f"The warehouse has fallen silent: it let nobody in for {watch.silent_for:.0f} s and was waited for no "
            f"longer. Check that it runs, and {SETTING}; the next run does what is left."
        ) from error
    finally:
        watch.over.set()


class _Watch(threading.Thread):
    """Looks whether a server still lets anybody in."""

    def __init__(self, peer: Any, given: Mapping[str, str]) -> None:
        super().__init__(name="watch of the warehouse", daemon=True)
        self.peer, self.given = peer, {**given, "application_name": "lakehouse-watch"}
        self.over, self.gave_up, self.silent_for = threading.Event(), False, 0.0

    def run(self) -> None:
        misses, heard = 0, time.monotonic()
        while not self.over.wait(LOOK_SECONDS):
            if self._answers():
                misses, heard = 0, time.monotonic()
                continue
            misses += 1
            if misses == MISSES and not self.over.is_set():
                self.silent_for = time.monotonic() - heard
                break
        self.gave_up = not self.over.is_set()
        while not self.over.wait(0.2):  # dbt connects again for every model
            _end_connections(self.peer)

    def _answers(self) -> bool:
        """Whether a new connection is let in or refused: both are answers."""
        import psycopg2
        from psycopg2.extensions import make_dsn

        began = time.monotonic()
        try:
            psycopg2.connect(make_dsn(**self.given)).close()
        except psycopg2.OperationalError:
            return time.monotonic() - began < CONNECT_SECONDS - 1
        return True


def _connect(given: Mapping[str, str]) -> "Connection":
    """A connection; a server that is about to answer is waited for."""
    import psycopg2
    from psycopg2.extensions import make_dsn

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg2.connect(make_dsn(**given))
        except psycopg2.OperationalError as error:
            if STARTING not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _reason(error: Exception) -> str:
    """What the server said last; that a connection is closed already says nothing."""
    from psycopg2 import InterfaceError

    while isinstance(error, InterfaceError) and isinstance(error.__context__, Exception):
        error = error.__context__
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _end_connections(peer: Any) -> None:
    """Shut every socket of this process to a peer: psycopg2's, dbt's, DuckDB's."""
    for number in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - numbers, not files
        if peer is not None and _peer(number) == peer:
            _shut(number)


def _peer(number: int) -> Any:
    with suppress(OSError):
        own = socket.socket(fileno=number)
        try:
            return own.getpeername()
        finally:
            own.detach()
    return None


def _shut(number: int) -> None:
    with suppress(OSError):
        own = socket.socket(fileno=number)
        try:
            own.shutdown(socket.SHUT_RDWR)
        finally:
            own.detach()
