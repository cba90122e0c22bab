import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import spotipy

from sandbox.spotify import Server, serve
from sandbox.world import World, ensure

SEED, TRACKS = 11, 1500
Refresh = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    ensure(folder, f"sqlite:///{folder}/catalog.sqlite", SEED, TRACKS).close()
    return folder


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Iterator[World]:
    (tmp_path / "world").mkdir()
    shutil.copy(made / "world.sqlite", tmp_path / "world")
    world = World(tmp_path / "world")
    yield world
    world.close()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with serve(world) as server:
        yield server


@pytest.fixture
def token(refreshed: Refresh) -> str:
    return refreshed().json()["access_token"]


@pytest.fixture
def spotify(server: Server, token: str) -> spotipy.Spotify:
    client = spotipy.Spotify(auth=token, requests_session=requests.Session())
    client.prefix = server.api_url
    return client


@pytest.fixture
def refreshed(server: Server) -> Refresh:
    def refreshed(refresh_token: str | None = None) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token or server.refresh_token}
        auth = (server.client_id, server.client_secret)
        return requests.post(f"{server.accounts_url}/api/token", data=form, auth=auth, timeout=30)

    return refreshed


class Get:
    """Plain GETs, so that tests see the true answers."""

    def __init__(self, server: Server, token: str) -> None:
        self.server, self.headers = server, {"Authorization": f"Bearer {token}"}

    def __call__(self, path: str, **query: object) -> requests.Response:
        return requests.get(f"{self.server.api_url}{path}", params=query, headers=self.headers, timeout=30)

    def recent(self, **query: object) -> list[dict]:
        return self("me/player/recently-played", **{"limit": 50, **query}).json()["items"]


@pytest.fixture
def get(server: Server, token: str) -> Get:
    return Get(server, token)
