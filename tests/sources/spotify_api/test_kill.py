"""Kill -9 before any change of a file, any connection: the next poll leaves the lake as if nothing had happened."""

import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
from datetime import datetime
from pathlib import Path

import pytest
from dlt.common.time import increasing_precise_time

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "socket.connect"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class Scene:
    """A machine that polled once, and a day of plays that it has not asked for yet."""

    def __init__(self, place, tmp_path: Path) -> None:
        self.place = place
        self.before = tmp_path / "before"
        self.counted = tmp_path / "counted"
        place.poll(fetch_limit=3)
        place.poll()
        place.advance(hours=24)
        shutil.copytree(place.root, self.before / "machine")
        shutil.copytree(place.lake, self.before / "lake")

    def set(self) -> None:
        for folder, name in ((self.place.root, "machine"), (self.place.lake, "lake")):
            shutil.rmtree(folder)
            shutil.copytree(self.before / name, folder)

    def die(self, at: int) -> bool:
        """Poll in a process of its own that kills itself before change number `at`; whether it died so."""
        child = os.fork()
        if child == 0:
            self._live(at)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)

    def changes(self) -> list[str]:
        """The changes that an undisturbed poll makes."""
        assert not self.die(sys.maxsize)
        return self.counted.read_text().splitlines()

    def _live(self, at: int) -> None:
        changes: list[str] = []
        ours = str(self.place.root.parent)

        def hook(event: str, args: tuple) -> None:
            is_open = event == "open" and str(args[0]).startswith(ours) and (args[2] or 0) & WRITING
            if event in CHANGES or is_open:
                changes.append(f"{event} {args}".replace("\n", " "))
                if len(changes) == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        # a process that really started anew reads the clock again; a forked one would count on from the parent's
        # highest load id, as the parent will, wherever the wall clock went back in between
        increasing_precise_time._last = time.time()
        sys.addaudithook(hook)
        try:
            self.place.poll(fetch_limit=3)
            self.counted.write_text("\n".join(changes))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def truth(self) -> list[tuple[datetime, str]]:
        plays = self.place.server.admin("GET /admin/plays")
        return sorted((datetime.fromisoformat(play["played_at"]), play["uri"]) for play in plays if play["was_offered"])

    def check(self, told: str) -> None:
        assert committed(self.place.lake, "plays", ("played_at", "track_uri")) == self.truth(), told
        polls = committed(self.place.lake, "polls", ("poll_id",))
        assert len(set(polls)) == len(polls), told
        for table in ("tracks", "albums", "artists"):
            rows = committed(self.place.lake, table, ("id",))
            assert len(set(rows)) == len(rows), told


def committed(lake: Path, table: str, columns: tuple[str, ...]) -> list[tuple]:
    """Rows of committed load packages alone, sorted."""
    import pyarrow.parquet as pq

    root = lake / "spotify_api"
    marks = [*(root / "_dlt_loads").glob("*"), *(root / "_dlt_pipeline_state").glob("*")]
    loads = {match[1] for mark in marks if (match := re.search(r"__(\d+\.\d+)", mark.name))}
    files = [file for file in (root / table).glob("*.parquet") if file.name.rsplit(".", 2)[0] in loads]
    return sorted(tuple(row[name] for name in columns) for file in files for row in pq.read_table(file).to_pylist())


@pytest.fixture
def scene(place, tmp_path) -> Scene:
    return Scene(place, tmp_path)


def ordeal(scene: Scene, points: list[int], loses_machine: bool) -> None:
    for at in points:
        scene.set()
        assert scene.die(at), f"change {at} never came"
        if loses_machine:
            scene.place.empty_machine()
        scene.place.poll(fetch_limit=3)
        scene.place.poll(fetch_limit=3)
        scene.check(f"killed before change {at}")


@pytest.mark.parametrize("loses_machine", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_poll_that_was_killed_anywhere_loses_and_doubles_nothing(scene, loses_machine):
    changes = scene.changes()
    assert len(changes) > 100
    ordeal(scene, random.Random(20260315).sample(range(1, len(changes) + 1), 5), loses_machine)


@pytest.mark.parametrize(
    ("source", "target"), [("/load/new/", "/load/normalized/"), ("/load/normalized/", "/load/loaded/")]
)
def test_a_poll_that_was_killed_between_two_folders_of_dlt_goes_on(scene, source, target):
    """Two places where dlt itself cannot go on; of one its log says "do not kill this process"."""
    changes = enumerate(scene.changes(), 1)
    (move,) = [at for at, told in changes if source in told and target in told]
    ordeal(scene, [move, move + 1], loses_machine=False)


@pytest.mark.torture
@pytest.mark.parametrize("loses_machine", [False, True])
def test_a_poll_that_was_killed_at_every_point_loses_and_doubles_nothing(scene, loses_machine):
    ordeal(scene, list(range(1, len(scene.changes()) + 1)), loses_machine)


def test_killed_again_and_again(scene):
    chance = random.Random(3)
    scene.set()
    for _ in range(8):
        scene.die(chance.randrange(1, 60))
        scene.place.advance(minutes=20)
    scene.place.poll()
    scene.check("killed again and again")
