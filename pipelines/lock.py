"""One run at a time per environment, on this machine and across machines.

A file lock guards the data folder and, where the lake is a folder, the lake; the kernel frees it when its owner dies.
A bucket has no such lock: there a lease object is created only if none is there, renewed by its owner, and taken over
when nobody renewed it for a while. Staleness is judged by watching the object, never by comparing two clocks.

Data flow: settings -> Lock (held while a run works) -> check() before anything becomes visible
"""

import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pipelines.claim import claim
from pipelines.settings import LakeSettings, Settings
from pipelines.store import answering, s3_client
from sources.problem import Problem

LEASE_SECONDS = 30.0
BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Told apart by it: machines of one name; Linux alone has it."""
log = logging.getLogger("lakehouse.lock")


class BusyError(Problem):
    """Another run holds the environment."""


@contextmanager
def hold(settings: Settings, wait: float) -> Iterator["Lock"]:
    """Hold the environment's lock.

    Args:
        settings: The environment.
        wait: Seconds to wait for another run; 0 waits only to see whether the lease of a bucket is renewed.

    Raises:
        BusyError: Another run still holds it.
        UsageProblem: It belongs to another profile.
    """
    deadline = time.monotonic() + wait
    lock = Lock()
    try:
        for setting, folder in _folders(settings).items():
            lock.files.append(_lock_file(folder, setting, deadline))
        if not settings.lake.is_local:
            lock.lease = Lease(settings.lake, str(settings.data_dir), _name(lock.files[0]))
            lock.lease.acquire(deadline)
        claim(settings)
        yield lock
    finally:
        lock.release()


@dataclass
class Lock:
    """What a run holds; `check` before anything becomes visible to others."""

    files: list[IO[str]] = field(default_factory=list)
    lease: "Lease | None" = None

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises:
            BusyError: Another machine has taken it over.
        """
        if self.lease:
            self.lease.check()

    def release(self) -> None:
        """Give everything back."""
        if self.lease:
            self.lease.release()
        for file in reversed(self.files):
            file.close()


def _folders(settings: Settings) -> dict[str, Path]:
    lake = {"DESTINATION__LAKE__BUCKET_URL": settings.lake.folder} if settings.lake.is_local else {}
    return {"LAKEHOUSE__DATA_DIR": settings.data_dir, **lake}


def _lock_file(folder: Path, setting: str, deadline: float) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    except OSError as error:
        raise Problem(f"{folder} cannot be written: {error.strerror}. Set {setting}, or mend it.") from error
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_or_give_up(deadline, f"another run on this machine ({folder})")
            continue
        return file


def _name(file: IO[str]) -> str:
    """The name that a folder has given itself in its lock file: two containers may be alike in all else."""
    file.seek(0)
    name = file.read()
    if not name:
        name = uuid.uuid4().hex
        file.write(name)
        file.flush()
    return name


def _boot() -> str:
    return BOOT.read_text().strip() if BOOT.exists() else ""


def _wait_or_give_up(deadline: float, who: str) -> None:
    if time.monotonic() >= deadline:
        raise BusyError(f"The environment is held by {who}. Wait for it, or raise LAKEHOUSE__LOCK_WAIT.")
    time.sleep(min(0.2, max(0.01, deadline - time.monotonic())))


class Lease:
    """The lease object `_lease.json` of a bucket lake.

    Args:
        settings: The bucket.
        data_dir: The data folder, which this run has locked.
        name: The name that the folder has given itself.
        seconds: After which a lease that nobody renews is abandoned.
    """

    def __init__(self, settings: LakeSettings, data_dir: str, name: str = "", seconds: float = LEASE_SECONDS) -> None:
        self._client = s3_client(settings)
        self._url = settings.bucket_url
        self._bucket, _, prefix = settings.bucket_url.removeprefix("s3://").partition("/")
        self._key = f"{prefix}/_lease.json".lstrip("/")
        self._seconds = seconds
        self._place = f"{socket.gethostname()}:{data_dir}:{_boot()}/{name}"
        self._owner = f"{self._place}:{os.getpid()}:{uuid.uuid4().hex}"
        self._etag: str | None = None
        self._lost = False
        self._done = threading.Event()

    def acquire(self, deadline: float) -> None:
        """Take the lease, waiting for its owner until the deadline.

        Raises:
            BusyError: Somebody else renewed it to the end.
            Problem: The bucket does not answer.
        """
        with answering(self._url):
            self._win(deadline)
        threading.Thread(target=self._keep, name="lease", daemon=True).start()

    def _win(self, deadline: float) -> None:
        seen: tuple[str, float] | None = None
        is_renewed = False
        while not self._etag:
            etag, owner = self._look()
            if seen is None or seen[0] != etag:
                is_renewed = seen is not None
                seen = (etag, time.monotonic())
            abandoned = owner.startswith(f"{self._place}:") or time.monotonic() - seen[1] > self._seconds
            if not etag or abandoned:
                self._etag = self._put(etag)
            if not self._etag:
                # who would not wait watches, too: else nobody who never waits could take over from the dead
                patience = deadline if is_renewed else max(deadline, seen[1] + 2 * self._seconds)
                _wait_or_give_up(patience, f"a run elsewhere ({owner.rsplit(':', 3)[0]})")

    def check(self) -> None:
        """Make sure that nobody has taken the lease over.

        Raises:
            BusyError: Somebody has.
        """
        with answering(self._url):
            is_ours = not self._lost and self._look()[1] == self._owner
        if not is_ours:
            raise BusyError("Another machine took over the lease of this lake; this run stops before it publishes.")

    def release(self) -> None:
        """Delete the lease if it is still ours; one that cannot be deleted now is stale soon."""
        from botocore.exceptions import BotoCoreError, ClientError

        self._done.set()
        try:
            if self._etag and not self._lost and self._look()[1] == self._owner:
                self._client.delete_object(Bucket=self._bucket, Key=self._key)
        except (BotoCoreError, ClientError) as error:
            log.warning("the lease was not given back: %s", " ".join(str(error).split()))

    def _keep(self) -> None:
        while not self._done.wait(self._seconds / 3):
            try:
                etag = self._put(self._etag or "")
            except Exception as error:
                log.warning("the lease could not be renewed: %s", type(error).__name__)
                continue
            self._lost = etag is None and not self._done.is_set()
            self._etag = etag or self._etag
            if self._lost:
                return

    def _look(self) -> tuple[str, str]:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
        except self._client.exceptions.NoSuchKey:
            return "", ""
        return str(answer["ETag"]), str(json.loads(answer["Body"].read()).get("owner", ""))

    def _put(self, etag: str) -> str | None:
        from botocore.exceptions import ClientError

        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = json.dumps({"owner": self._owner, "beat": uuid.uuid4().hex}).encode()
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body, **condition)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (404, 409, 412):
                raise
            # a request whose answer was lost is repeated, and meets what it wrote itself
            there, owner = self._look()
            return there if owner == self._owner else None
        return str(answer["ETag"])
