"""A random schedule of runs and faults; the same seed gives the same schedule, up to the moments of real time.

Every step is a line of the schedule's journal, so that a failure can be told and repeated.

Data flow: seed -> steps (runs, kills, losses, changes) -> notes for the model
"""

import logging
import os
import random
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sandbox.export import write_extended
from tests.environment import ROOT, Environment
from tests.torture.ground import Ground
from tests.torture.model import Model

log = logging.getLogger("torture")
CLOCK = Path(__file__).parent / "clock"
LOSABLE = (
    *("pipelines", "pipelines/catalog", "pipelines/spotify_api", "listener", "build", "snapshot", "curation"),
    *("manifests.json", "inbox.json", "known_files.json", "wanted.json"),
)
"""What a machine may lose: working folders and caches."""
GOOD = (0, 1)
"""Exit codes of a run that may be disturbed: 1 names a problem, such as another run that holds the lock."""


class Schedule:
    """One environment under torture."""

    def __init__(self, environment: Environment, ground: Ground, seed: int) -> None:
        self.environment, self.ground = environment, ground
        self.folder = environment.data_dir
        self.chance = random.Random(seed)
        self.model = Model(self.folder, ground)
        self.journal: list[str] = []
        self.moments = 300

    def step(self, *, whole: bool) -> None:
        """One random step; with `whole`, also those that build."""
        steps = self.steps(whole=whole)
        (chosen,) = self.chance.choices([step for _, step in steps], [weight for weight, _ in steps])
        chosen()

    def steps(self, *, whole: bool) -> list[tuple[int, Callable[[], None]]]:
        """What may happen, by weight."""
        return [
            (5, self.ingest),
            (4, self.live),
            (4, self.change_catalog),
            (5, self.kill_at_a_commit_point),
            (2, self.kill_at_a_moment),
            (2, self.lose_a_folder),
            (2, self.tear),
            (2, self.two_at_once),
            (2, self.jump),
            (2, self.fill_the_disk),
            (1, self.import_again),
            (1, self.change_rules),
            (1, self.lose_a_file_of_the_lake),
            *([(3, self.run), (3, self.kill_a_build)] if whole else []),
        ]

    def note(self, text: str) -> None:
        self.journal.append(text)
        log.info("%s", text)

    def ingest(self, **suffering: str) -> None:
        """An undisturbed ingest; what the page shows now is sure from here on."""
        self._end(self._start("ingest", **suffering), "ingest", must=True)

    def run(self) -> None:
        """An undisturbed whole run."""
        self._end(self._start(), "run", must=True)

    def live(self) -> None:
        """The listener's time goes on: mostly less than a page of plays, sometimes more."""
        hours = self.chance.choice([1, 2, 3, 5, 8, 60])
        world = self.model.world()
        world.advance(timedelta(hours=hours))
        world.close()
        self.note(f"live {hours} h")

    def change_catalog(self) -> None:
        """Rows come, go and change."""
        number = self.chance.randrange(10**9)
        table, key = self.chance.choice([("spotify_albums", "album_id"), ("spotify_artists", "artist_id")])
        keys = sorted(row[0] for row in self.ground.rows(f"select {key} from {table}"))
        gone, changed = self.chance.sample(keys, 2)
        self.ground.change(
            (f"delete from {table} where {key} = :key", {"key": gone}),
            (f"update {table} set name = :name where {key} = :key", {"name": f"Name {number}", "key": changed}),
            (
                f"insert into {table} ({key}, name) values (:key, :name)",
                {"key": f"new{number}", "name": f"New {number}"},
            ),
        )
        self.note(f"{table}: {gone} gone, {changed} renamed, new{number} added")

    def kill_at_a_commit_point(self) -> None:
        """SIGKILL before the n-th change of a file."""
        at = self.chance.randint(1, self.moments)
        process = self._start("ingest", TORTURE_KILL_AT=str(at), TORTURE_FOLDER=str(self.folder))
        self._end(process, f"ingest, killed at change {at}", must=False)

    def kill_at_a_moment(self) -> None:
        """SIGKILL after some time."""
        self._kill("ingest", seconds=self.chance.uniform(0.3, 4))

    def kill_a_build(self) -> None:
        """SIGKILL somewhere in a whole run."""
        if self.chance.random() < 0.5:
            self._kill(seconds=self.chance.uniform(1, 40))
            return
        at = self.chance.randint(1, 3 * self.moments)
        process = self._start(TORTURE_KILL_AT=str(at), TORTURE_FOLDER=str(self.folder))
        self._end(process, f"run, killed at change {at}", must=False)

    def lose_a_folder(self) -> None:
        """A working folder or a cache is gone."""
        name = self.chance.choice(LOSABLE)
        place = self.folder / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        if name == "curation":
            self.model.rules_lost()
        self.note(f"lost {name}")

    def tear(self) -> None:
        """Half a file in the lake that no package names, half a line in the journal of polls, half a cache."""
        table = self.chance.choice(["catalog/spotify_albums", "spotify_api/plays"])
        whole = next((name for name in self.ground.lake.names(table) if name.endswith(".parquet")), None)
        if whole:
            orphan = f"{table}/{time.time() + self.chance.uniform(-9e5, 9e5)}.{self.chance.randrange(10**9):x}.parquet"
            self.ground.lake.add(orphan, self.ground.lake.read(whole)[: self.chance.randrange(2000)])
        journal = self.folder / "listener" / "spotify_api.jsonl"
        if journal.exists():
            with journal.open("a") as file:
                file.write('{"event": "poll", "row": {"poll_i')
        for name in ("manifests.json", "inbox.json", "wanted.json", "known_files.json", "build/mark.json"):
            cache = self.folder / name
            if cache.exists() and self.chance.random() < 0.5:
                os.truncate(cache, self.chance.randrange(cache.stat().st_size + 1))
        self.note(f"torn: an orphan in {table}, the journal of polls, caches")

    def lose_a_file_of_the_lake(self) -> None:
        """A file of the catalog or of an export is gone: the source still has its rows."""
        table = self.chance.choice(["catalog/spotify_artists", "catalog/extracts", "spotify_export/streams"])
        lake = self.ground.lake
        noted = b"".join(lake.read(name) for name in lake.names("_manifests") if name.endswith(".json"))
        known = [name for name in lake.names(table) if name.rpartition("/")[2].encode() in noted]
        if known:
            lost = self.chance.choice(known)
            lake.lose(lost)
            self.note(f"lost {lost} of the lake")

    def two_at_once(self) -> None:
        """Two runs start together: one waits."""
        first, second = self._start("ingest"), self._start("ingest")
        self._end(first, "the first of two", must=True)
        self._end(second, "the second of two", must=True)

    def jump(self) -> None:
        """A run whose clock is wrong, ahead or behind; later ones have the right one again."""
        ahead = self.chance.choice([-86_400 * 300, -3600, -5, 5, 3600, 86_400 * 30])
        self.note(f"the clock is {ahead} s ahead")
        self.ingest(TORTURE_CLOCK=str(ahead))

    def fill_the_disk(self) -> None:
        """A run that finds no space, for large files alone or from some moment on."""
        if self.chance.random() < 0.5:
            space = self.chance.choice([0, 1000, 30_000, 1_000_000, 10_000_000])
            process = self._start(TORTURE_SPACE=str(space))
            self._end(process, f"run, no file above {space} bytes", must=False)
        else:
            at = self.chance.randint(1, 2 * self.moments)
            process = self._start(TORTURE_FULL_AT=str(at), TORTURE_FOLDER=str(self.folder))
            self._end(process, f"run, disk full from change {at} on", must=False)

    def import_again(self) -> None:
        """The export once more, some of its files, as single files or as another zip."""
        world = self.model.world()
        whole = write_extended(world, self.folder.parent / "export.zip")
        world.close()
        folder = self.folder.parent / f"again-{len(self.journal)}"
        with zipfile.ZipFile(whole) as archive:
            names = [name for name in archive.namelist() if self.chance.random() < 0.6]
            archive.extractall(folder, names)
        again = shutil.make_archive(str(folder), "zip", folder) if self.chance.random() < 0.5 else str(folder)
        if names:
            self._end(self._start("import", again), f"{len(names)} files imported again", must=True)

    def change_rules(self) -> None:
        """Another set of the listener's own rules: new names for some artists of the catalog, and for one of nowhere."""
        folder = self.folder / "curation"
        folder.mkdir(exist_ok=True)
        keys = sorted(row[0] for row in self.ground.rows("select artist_id from spotify_artists"))
        names = {key: f"Called {self.chance.randrange(99)}" for key in self.chance.sample(keys, 3)}
        lines = [f"artist,{key},,{name}" for key, name in {**names, "nobody": "New"}.items()]
        (folder / "rename.csv").write_text("\n".join(["kind,id,name,new_name", *lines, ""]))
        self.model.renamed = [names]
        self.note(f"rules for {', '.join(names)}")

    def settle(self) -> list[str]:
        """Undisturbed runs until everything is in, and every difference from the model."""
        self.ingest()
        self.run()
        return self.model.differences(self.environment)

    def measure(self) -> None:
        """How many changes of files an ingest makes: the commit points."""
        place = self.folder.parent / "moments"
        self.live()
        self.ingest(TORTURE_COUNT=str(place), TORTURE_FOLDER=str(self.folder))
        self.moments = int(place.read_text())
        self.note(f"an ingest changes files {self.moments} times")

    def _start(self, *arguments: str, **suffering: str) -> "subprocess.Popen[str]":
        variables = {**self.environment.variables, "PYTHONPATH": str(CLOCK), **suffering}
        return subprocess.Popen(
            self.environment.command(*arguments),
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _kill(self, *arguments: str, seconds: float) -> None:
        process = self._start(*arguments)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        self._end(process, f"{' '.join(arguments) or 'run'}, killed after {seconds:.2f} s", must=False)

    def _end(self, process: "subprocess.Popen[str]", what: str, *, must: bool) -> None:
        output, errors = process.communicate(timeout=900)
        self.note(f"{what}: {process.returncode}")
        assert not any("Traceback" in line for line in errors.splitlines() if not line.startswith("{")), errors
        if process.returncode == 0:
            self.model.polled()
            return
        assert not must, f"{what} ended with {process.returncode}: {output}{errors}"
        assert process.returncode in (*GOOD, -signal.SIGKILL), f"{what} ended with {process.returncode}: {errors}"
