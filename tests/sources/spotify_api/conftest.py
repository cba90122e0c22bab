"""A listener, Spotify on loopback, and a place with a journal, a token file and a lake."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

from sandbox.faults import TRANSPORT
from sandbox.spotify import Server, serve
from sandbox.world import World, ensure
from sources.spotify_api.accounts import App
from sources.spotify_api.flow import Connection, Plan, PollResult, poll
from sources.spotify_api.journal import Journal
from sources.spotify_api.login import ask, complete
from sources.spotify_api.token_store import Grant
from sources.spotify_api.transport import HttpOptions


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    ensure(folder, f"sqlite:///{folder}/catalog.sqlite", seed=7, tracks=300).close()
    return folder


@pytest.fixture
def world(made_world: Path, tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    shutil.copytree(made_world, folder)
    opened = World(folder)
    yield opened
    opened.close()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with serve(world) as running:
        yield running


@dataclass
class Place:
    """One machine: its folder, its consent and what it slept."""

    root: Path
    server: Server
    clock: Callable[[], datetime]
    lake: Path
    connection: Connection
    slept: list[float] = field(default_factory=list)
    pipelines_made: int = 0
    http: HttpOptions = field(init=False)

    def __post_init__(self) -> None:
        self.http = HttpOptions(connect=2, read=1.0, total=2.0, backoff=0.01, sleep=self.slept.append)

    def pipeline(self) -> Any:
        import dlt
        from dlt.destinations import filesystem

        self.pipelines_made += 1
        return dlt.pipeline(
            "spotify_api",
            destination=filesystem(bucket_url=self.lake.as_uri()),
            dataset_name="spotify_api",
            pipelines_dir=str(self.root / "pipelines"),
        )

    def poll(self, fetch_limit: int = 0, **plan: Any) -> PollResult:
        """A poll that stops after some objects."""
        asked = count()  # before the first object, and before each
        chosen = Plan(**({"should_stop": lambda: next(asked) > fetch_limit} | plan))
        return poll(self.pipeline, self.folder, self.connection, chosen, now=self.clock, http=self.http)

    @property
    def folder(self) -> Path:
        return self.root / "journal"

    def journal(self) -> Journal:
        return Journal(self.folder / "spotify_api.jsonl")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of all files of a table; every package of these tests is committed."""
        files = sorted((self.lake / "spotify_api" / table).glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]

    def keys(self) -> list[tuple[datetime, str]]:
        return sorted((row["played_at"], row["track_uri"]) for row in self.rows("plays"))

    def requests(self) -> list[str]:
        return [entry["path"] for entry in self.server.service.admin.requests]

    def forget_requests(self) -> None:
        self.server.admin("DELETE /admin/requests")

    def fault(self, kind: str, **values: Any) -> int:
        return int(self.server.admin("POST /admin/faults", {"kind": kind} | values)["id"])

    def calm(self) -> None:
        self.server.admin("DELETE /admin/faults")

    def calm_transport(self) -> None:
        """Switch off what spoils answers; what bends the history stays."""
        faults = self.server.service.faults
        for fault in faults.listed():
            if fault.kind in TRANSPORT:
                faults.remove(fault.fault_id)

    def advance(self, **delta: float) -> None:
        self.server.admin("POST /admin/advance", {"seconds": timedelta(**delta).total_seconds()})

    def empty_machine(self) -> None:
        """Lose everything but the lake."""
        shutil.rmtree(self.root)

    def log_in(self) -> Grant:
        """Consent as somebody does who pastes the address."""
        app = self.connection.app
        consent = ask(app)
        redirected = requests.get(consent.url, allow_redirects=False, timeout=5).headers["Location"]
        return complete(app, self.connection.store, consent, redirected, now=self.clock())

    def given(self, token: str | None) -> None:
        self.connection = replace(self.connection, refresh_token=token)


@pytest.fixture
def place(tmp_path: Path, world: World, server: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "machine"
    app = App(server.accounts_url, server.client_id, server.client_secret)
    connection = Connection(server.api_url, app, server.refresh_token, root / "tokens")
    return Place(root, server, lambda: world.now, tmp_path / "lake", connection)
