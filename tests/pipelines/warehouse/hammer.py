"""Readers that ask without a pause while gold is published, and note everything that is not whole."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tests.pipelines.warehouse.synthetic import DAYS, EVENTS, THINGS

ROWS = {"dim_things": THINGS, "fct_events": EVENTS, "daily": DAYS}
ALL_AT_ONCE = " union all ".join(
    f"select '{table}', min(generation), max(generation), count(*) from gold.{table}" for table in ROWS
)


@dataclass
class Findings:
    """What the readers saw; a mix, an emptiness or an error is a broken promise."""

    looks: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    worst_seconds: float = 0.0
    generations: set[int] = field(default_factory=set)

    def judge(self, kind: str, rows: list[tuple[Any, ...]]) -> None:
        self.looks[kind] += 1
        seen = {generation for _, low, high, _ in rows for generation in (low, high)}
        if len(seen) != 1 or any(count != ROWS[table] for table, _, _, count in rows):
            self.broken.append(f"{kind}: {rows}")
        else:
            self.generations |= seen


class Readers:
    """Threads of readers: single statements, read committed and repeatable read transactions."""

    def __init__(self, url: str) -> None:
        self.url, self.findings, self._stop = url, Findings(), threading.Event()
        kinds = (self._single, self._read_committed, self._repeatable, self._repeatable_opened_before)
        self._threads = [threading.Thread(target=self._run, args=(kind,), daemon=True) for kind in kinds]

    @contextmanager
    def reading(self) -> Iterator[Findings]:
        for thread in self._threads:
            thread.start()
        try:
            yield self.findings
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(30)

    def _run(self, kind: Any) -> None:
        while not self._stop.is_set():
            try:
                with closing(psycopg2.connect(self.url)) as connection:
                    for _ in range(20):
                        kind(connection)
                        time.sleep(random.uniform(0, 0.01))
                        if self._stop.is_set():
                            break
            except psycopg2.Error as error:
                self.findings.broken.append(f"{kind.__name__}: {error!r}")

    def _ask(self, cursor: Any, query: str) -> list[tuple[Any, ...]]:
        started = time.monotonic()
        cursor.execute(query)
        rows = cursor.fetchall()
        self.findings.worst_seconds = max(self.findings.worst_seconds, time.monotonic() - started)
        return list(rows)

    def _single(self, connection: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            self.findings.judge("single statement", self._ask(cursor, ALL_AT_ONCE))

    def _read_committed(self, connection: Any) -> None:
        self._one_by_one(connection, "read committed", "READ COMMITTED", 0.0)

    def _repeatable(self, connection: Any) -> None:
        self._one_by_one(connection, "repeatable read", "REPEATABLE READ", 0.0)

    def _repeatable_opened_before(self, connection: Any) -> None:
        self._one_by_one(connection, "repeatable read, opened before", "REPEATABLE READ", random.uniform(0, 3))

    def _one_by_one(self, connection: Any, kind: str, isolation: str, wait: float) -> None:
        connection.set_session(isolation_level=isolation)
        with connection, connection.cursor() as cursor:
            if wait:
                cursor.execute("select 1")  # the snapshot is taken before any mart is touched
                self._stop.wait(wait)
            rows = []
            for table in random.sample(sorted(ROWS), len(ROWS)):
                query = f"select '{table}', min(generation), max(generation), count(*) from gold.{table}"
                rows += self._ask(cursor, query)
                time.sleep(random.uniform(0, 0.02))
            self.findings.judge(kind, rows)
