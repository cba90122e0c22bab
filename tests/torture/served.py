"""Schedules on MariaDB, S3 and Postgres: the same steps, and servers that crash, hang, are cut off, busy or slow.

Each server is behind a proxy. A crash is a SIGKILL of the server's process, which is started again on its folder.

Data flow: seed -> steps on an environment whose settings name the proxies
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from uuid import uuid4

import psycopg2

from sandbox.servers.process import Server
from sandbox.servers.seaweedfs import S3
from sources.problem import Problem
from tests.pipelines.production import PREFIX, Production
from tests.pipelines.warehouse.crash import wait_for
from tests.proxy import CUT, REFUSE, SILENT, STRUCK, UNAVAILABLE, Fault
from tests.torture.ground import BucketLake, Ground
from tests.torture.schedule import Schedule

CRASH, SEVER, SLOW = "crash", "sever", "slow"
FAULTS = {
    "mysql": (CRASH, SEVER, SLOW, SILENT, REFUSE, CUT),
    "s3": (CRASH, SEVER, SLOW, SILENT, REFUSE, CUT, UNAVAILABLE),
    "postgres": (CRASH, SEVER, SLOW, SILENT, REFUSE, CUT),
}
"""What happens to a server: `sever` ends its connections once, `cut` ends every one that is used, for a while."""
START_SECONDS = 60


@dataclass(frozen=True)
class Services:
    """The processes behind a production, by the name of their proxy; None: of a server that was given, and stays."""

    mysql: Server | None
    s3: Server | None
    postgres: Server | None


class ServedSchedule(Schedule):
    """One environment on three servers under torture."""

    def __init__(self, place: Production, services: Services, seed: int) -> None:
        ground = Ground(place.catalog, BucketLake(place.store, place.bucket, PREFIX))
        super().__init__(place.environment, ground, seed)
        self.place, self.services = place, services
        self.faults: Counter[str] = Counter()
        self.requests: dict[tuple[str, str], int] = {}

    def measure(self) -> None:
        """The first run; how many changes of files an ingest makes, and how much an ingest and a run ask each server."""
        self.run()
        self._count("ingest", super().measure)
        self.change_catalog()
        self._count("run", self.run)

    def _count(self, what: str, work: Callable[[], None]) -> None:
        for name in FAULTS:
            getattr(self.place, name).heard = 0
        work()
        heard = {(what, name): getattr(self.place, name).heard for name in sorted(FAULTS)}
        self.requests |= {asked: times for asked, times in heard.items() if times}  # an ingest asks no warehouse

    def settle(self) -> list[str]:
        """Undisturbed runs until everything is in, and every difference from the model, as readers see it too."""
        return [*super().settle(), *self._differences_of_readers()]

    def steps(self, *, whole: bool) -> list[tuple[int, Callable[[], None]]]:
        """What may happen, by weight."""
        disturbed: list[tuple[int, Callable[[], None]]] = [(12, self.disturb_an_ingest)]
        return [*super().steps(whole=whole), *disturbed, *([(12, self.disturb_a_run)] if whole else [])]

    def jump(self) -> None:
        """A run whose clock is wrong; a bucket refuses signatures of another day, so that it may fail."""
        ahead = self.chance.choice([-86_400 * 300, -3600, -5, 5, 3600, 86_400 * 30])
        process = self._start("ingest", TORTURE_CLOCK=str(ahead))
        self._end(process, f"ingest, its clock {ahead} s ahead", must=abs(ahead) < 60)

    def disturb_an_ingest(self) -> None:
        """Something happens to a server while sources are read."""
        self._disturb("ingest")

    def disturb_a_run(self) -> None:
        """Something happens to a server in a whole run that has something to do."""
        self.change_catalog()
        self._disturb("run")

    def _disturb(self, what: str) -> None:
        """From the n-th request on, for a while."""
        name = self.chance.choice([name for step, name in self.requests if step == what])
        kinds = [kind for kind in FAULTS[name] if kind != CRASH or getattr(self.services, name)]
        kind, lasting = self.chance.choice(kinds), self.chance.choice([0.2, 1, 3, 8, 20])
        at = 1 + int(self.requests[what, name] * self.chance.random() ** 2)  # most runs ask less than the measured one
        proxy, begun = getattr(self.place, name), Event()

        def begin() -> None:
            self._begin(name, kind)
            begun.set()

        proxy.break_with(Fault(STRUCK, times=1, spared=at - 1, strike=begin))
        process = self._start(*([] if what == "run" else [what]))
        while not begun.wait(0.1) and process.poll() is None:
            pass
        if begun.is_set():
            self.faults[f"{name} {kind}"] += 1
            time.sleep(lasting)
        self._end_of(name, kind, is_begun=begun.is_set())
        self._end(process, f"{what}, from request {at} to {name} on {kind} for {lasting} s", must=kind == SLOW)
        self._all_answer()

    def _begin(self, name: str, kind: str) -> None:
        """What happens; in the thread of the request, so that nothing comes between."""
        proxy = getattr(self.place, name)
        if kind == CRASH:
            getattr(self.services, name).kill()
        elif kind == SEVER:
            proxy.heal()
        elif kind == SLOW:
            proxy.delay = 0.02
        else:
            proxy.break_with(Fault(kind))

    def _end_of(self, name: str, kind: str, *, is_begun: bool) -> None:
        proxy = getattr(self.place, name)
        proxy.delay = 0
        if kind != SLOW:
            proxy.heal()
        proxy.fault = None
        if kind == CRASH and is_begun:
            start_again(getattr(self.services, name))

    def _all_answer(self) -> None:
        """Wait until every server does its work again, past the proxies."""
        wait_for(self.place.warehouse)
        deadline = time.monotonic() + START_SECONDS
        while not (self._is_filled() and takes_files(self.place.store, self.place.bucket)):
            assert time.monotonic() < deadline, "a server does not come back"
            time.sleep(0.2)

    def _is_filled(self) -> bool:
        import sqlalchemy as sa

        try:
            return bool(self.ground.rows("select 1 from spotify_tracks limit 1"))
        except sa.exc.OperationalError:
            return False

    def _differences_of_readers(self) -> list[str]:
        """What a dashboard cannot see."""
        try:
            return [] if self.place.gold() else ["a dashboard sees no table"]
        except psycopg2.Error as error:
            return [f"a dashboard is told: {error}"]


def start_again(server: Server) -> None:
    """Start a server that was killed; what it left behind may take a moment to go."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.start()
        except Problem:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def takes_files(store: S3, bucket: str) -> bool:
    """Whether a bucket takes a file: its server answers before its volumes do."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        store.client().put_object(Bucket=bucket, Key=f"{PREFIX}/probe-{uuid4().hex}", Body=b"1" * 2000)
    except (BotoCoreError, ClientError):
        return False
    return True
