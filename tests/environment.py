"""An environment of its own for a test: a data folder, and the real command line run in real processes."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.embedded import EXPORT_NAME
from tests import forked

ROOT = Path(__file__).parents[1]
SURROUNDINGS = dict(os.environ)
"""The environment before any test: settings resolved inside a test process write variables for dlt into it."""
GIVEN = Path(os.environ.get("TEST_DATA") or ROOT / "given")
"""Real files that are not ours to publish: `spotify_api` (Spotify's documents, recorded answers), `catalog` (Kaggle's CSV
files), `metabase_contract.py`. Tests of them are left out where `TEST_DATA` names no folder that has them."""
FIRST_RUN = "first-run.txt"
"""What the first run of the built environment said on stdout."""


@dataclass(frozen=True)
class Environment:
    """One data folder and the settings that go with it."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a process in it."""
        return {
            **SURROUNDINGS,
            "LAKEHOUSE__DATA_DIR": str(self.data_dir),
            "XDG_CONFIG_HOME": str(self.data_dir / "config"),
            **self.settings,
        }

    def run(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run `python pipelines/run.py` with arguments and wait for it."""
        return forked.run(arguments, self.variables, cwd)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `python pipelines/run.py` with arguments."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments: str) -> list[str]:
        """The command line as a user types it, with this interpreter."""
        return [sys.executable, str(ROOT / "pipelines" / "run.py"), *arguments]

    def make_world(self) -> None:
        """Make the sandbox's world before the first run, and leave of its export what came last, a sixth of the rows."""
        answer = self.run("ingest", "curation")
        assert answer.returncode == 0, answer.stderr
        given = self.data_dir / "inbox" / EXPORT_NAME
        whole = zipfile.ZipFile(io.BytesIO(given.read_bytes()))
        *earlier, _ = sorted(name for name in whole.namelist() if "_Audio_" in name)
        with zipfile.ZipFile(given, "w", zipfile.ZIP_DEFLATED) as short:
            for name in whole.namelist():
                if name not in earlier:
                    short.writestr(name, whole.read(name))

    def ask(self, query: str) -> list[dict[str, str]]:
        """Answer of `run.py sql` as rows of text."""
        answer = self.run("sql", query, "--format", "csv")
        assert answer.returncode == 0, answer.stderr
        return list(csv.DictReader(io.StringIO(answer.stdout)))

    def gold(self) -> dict[str, str]:
        """A checksum of every published gold table, whatever the order of its rows."""
        tables = [
            row["name"]
            for row in self.ask(
                "select name from (show all tables) where schema = 'gold' and database = 'warehouse' order by 1"
            )
        ]
        sums = ", ".join(
            f"(select coalesce(sum(hash(t)::hugeint), 0) || '/' || count(*) from gold.{t} as t) as {t}" for t in tables
        )
        return self.ask(f"select {sums}")[0]
