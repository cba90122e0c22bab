"""A Postgres that crashes and recovers, as after a power cut."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2

RECOVERY_SECONDS = 60


def crash(url: str) -> None:
    """Kill a backend hard, so that Postgres ends all of its connections."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        os.kill(cursor.fetchall()[0][0], signal.SIGKILL)
        _wait(lambda: not _answers(cursor))


def wait_for(url: str) -> None:
    """Wait until a server that crashed answers again."""
    _wait(lambda: _connects(url))


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(cursor: Any) -> bool:
    try:
        cursor.execute("select 1")
    except psycopg2.Error:
        return False
    return True


def _connects(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
