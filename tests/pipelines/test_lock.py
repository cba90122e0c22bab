"""One run at a time: waiting, giving up, and taking over from the dead."""

import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines import lock
from pipelines.ended import Run
from pipelines.flow import bring_up
from pipelines.lock import BusyError, Lease, Lock, hold
from pipelines.settings import LakeSettings, load
from sandbox.servers.seaweedfs import S3
from tests.environment import SURROUNDINGS, Environment

HOLD = """
import sys, time
from pipelines.lock import hold
from pipelines.settings import load
with hold(load(), 0):
    print("held", flush=True)
    time.sleep(60)
"""


LEASE = """
import sys, time
from pipelines.lock import Lease
from pipelines.settings import load
Lease(load().lake, "/elsewhere", seconds=1.5).acquire(time.monotonic())
print("held", flush=True)
time.sleep(60)
"""


def holder(data_dir: Path) -> subprocess.Popen[str]:
    """A process that holds the environment."""
    environment = {**SURROUNDINGS, "LAKEHOUSE__DATA_DIR": str(data_dir), "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_waits_and_then_says_who_is_in_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    process = holder(tmp_path)
    try:
        start = time.monotonic()
        with pytest.raises(BusyError, match="LAKEHOUSE__LOCK_WAIT"), hold(load(), 0.5):
            pass
        assert time.monotonic() - start >= 0.5
    finally:
        process.kill()
        process.wait()


def test_a_killed_run_leaves_nothing_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with hold(load(), 0) as lock:
        lock.check()


@pytest.fixture
def bucket(s3: S3) -> LakeSettings:
    """A new empty bucket as the lake's place."""
    place = s3.fresh()
    return LakeSettings(place.bucket_url, place.access_key, place.secret_key, place.endpoint_url, place.region)


@pytest.mark.servers
def test_a_lease_that_is_renewed_is_respected_and_an_abandoned_one_is_taken_over(bucket: LakeSettings) -> None:
    first, second = Lease(bucket, "/one", seconds=1.5), Lease(bucket, "/two", seconds=1.5)
    first.acquire(time.monotonic())
    with pytest.raises(BusyError):
        second.acquire(time.monotonic() + 3)
    first._done.set()  # its machine dies: nobody renews the lease any more
    second.acquire(time.monotonic() + 6)
    second.check()
    with pytest.raises(BusyError, match="took over"):
        first.check()
    second.release()


@pytest.mark.servers
def test_who_does_not_wait_gives_way_to_the_living_and_takes_over_from_the_dead(bucket: LakeSettings) -> None:
    first, second = Lease(bucket, "/one", seconds=1.5), Lease(bucket, "/two", seconds=1.5)
    first.acquire(time.monotonic())
    with pytest.raises(BusyError, match=r"elsewhere .*:/one"):
        second.acquire(time.monotonic())
    first._done.set()  # its machine dies, and one of another name takes its place
    second.acquire(time.monotonic())
    second.check()
    second.release()


@pytest.mark.servers
def test_a_lease_whose_answer_was_lost_is_still_its_owner_s(
    bucket: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(bucket, "/one", seconds=1.5)
    put = lease._client.put_object

    def repeated(**given: Any) -> Any:
        put(**given)
        return put(**given)

    monkeypatch.setattr(lease._client, "put_object", repeated)
    lease.acquire(time.monotonic())
    before = lease._etag
    while lease._etag == before and not lease._lost:
        time.sleep(0.1)
    lease.check()
    lease.release()
    assert lease._look() == ("", "")


@pytest.mark.servers
def test_a_lease_of_a_dead_run_in_the_same_data_folder_is_taken_over_at_once(bucket: LakeSettings) -> None:
    dead, living = Lease(bucket, "/same", seconds=60), Lease(bucket, "/same", seconds=60)
    dead.acquire(time.monotonic())
    dead._done.set()
    living.acquire(time.monotonic())
    living.check()
    living.release()


@pytest.mark.servers
def test_a_living_run_on_another_machine_of_the_same_name_is_respected(
    bucket: LakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Lease(bucket, "/same", seconds=1.5)
    here.acquire(time.monotonic())
    (tmp_path / "boot_id").write_text("another\n")
    monkeypatch.setattr(lock, "BOOT", tmp_path / "boot_id")
    with pytest.raises(BusyError):
        Lease(bucket, "/same", seconds=1.5).acquire(time.monotonic())
    here.check()
    here.release()


@pytest.mark.servers
def test_a_living_run_on_another_volume_at_the_same_place_is_respected(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = s3.fresh()
    for name, value in {**place.environment, "LAKEHOUSE__DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lock, "Lease", partial(Lease, seconds=1.5))
    with hold(load(), 0) as here:
        (tmp_path / ".lock").rename(tmp_path / "of another container")
        with pytest.raises(BusyError), hold(load(), 0):
            pass
        here.check()


@pytest.mark.servers
def test_a_lease_outlives_its_killed_owner_only_until_it_is_stale(s3: S3, tmp_path: Path) -> None:
    place = s3.fresh()
    environment = {
        **SURROUNDINGS,
        **place.environment,
        "LAKEHOUSE__DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    settings = LakeSettings(place.bucket_url, place.access_key, place.secret_key, place.endpoint_url, place.region)
    with subprocess.Popen([sys.executable, "-c", LEASE], env=environment, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(BusyError):
            Lease(settings, "/here", seconds=1.5).acquire(time.monotonic() + 3)
        owner.kill()
    here = Lease(settings, "/here", seconds=1.5)
    here.acquire(time.monotonic() + 10)
    here.check()
    here.release()


def test_a_run_whose_lake_was_taken_over_while_it_published_shows_nothing(
    copied: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost(Lock):
        def check(self) -> None:
            generations = copied.data_dir / "warehouse.duckdb.generations"
            assert list(generations.glob("*.duckdb")), "asked before the work is done"
            raise BusyError("taken over")

    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(copied.data_dir))
    warehouse = copied.data_dir / "warehouse.duckdb"
    warehouse.unlink()
    shutil.rmtree(warehouse.with_name("warehouse.duckdb.generations"))
    with pytest.raises(BusyError, match="taken over"):
        bring_up(load(), Lost(), Run("late", datetime.now(UTC)))
    assert not warehouse.exists()
