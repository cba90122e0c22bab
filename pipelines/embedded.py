"""The embedded surroundings: what stands in for places that nobody has named.

Without a Spotify client id the sandbox plays Spotify, inside the process of the run: a catalog in SQLite, a listener
whose time stands still, and two years of history as a privacy export in the inbox. In `prod` it never runs.

Data flow: settings without places -> sandbox -> settings with places, and a clock
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import Settings, SpotifyApiSettings

if TYPE_CHECKING:
    from sandbox.world import World

EXPORT_NAME = "sandbox_spotify_data.zip"
"""Not the name that Spotify gives: a listener's own may lie beside it."""


@dataclass(frozen=True)
class Surroundings:
    """Where a run works.

    Attributes:
        settings: All places named.
        now: The clock of the listener; UTC.
        token_folder: Where tokens are kept; None is the user's configuration folder.
    """

    settings: Settings
    now: Callable[[], datetime]
    token_folder: Path | None = None


@contextmanager
def surround(settings: Settings, advance: timedelta | None = None) -> Iterator[Surroundings]:
    """Name the places that the settings leave open, serving the sandbox while the run lasts.

    Args:
        settings: The environment as configured.
        advance: How far to move the sandbox listener's clock first.
    """
    if not settings.uses_sandbox:
        yield Surroundings(settings, lambda: datetime.now(UTC))
        return
    from sandbox.spotify import serve

    with closing(_world(settings)) as world, serve(world) as server:
        if advance:
            world.advance(advance)
        places = SpotifyApiSettings(
            api_url=server.api_url,
            accounts_url=server.accounts_url,
            client_id=server.client_id,
            client_secret=server.client_secret,
            refresh_token=server.refresh_token,
            daily_budget=settings.spotify_api.daily_budget,
        )
        yield Surroundings(replace(settings, spotify_api=places), lambda: world.now, world.folder)


def _world(settings: Settings) -> "World":
    from sandbox.world import ensure
    from sources.catalog.schema import create_tables

    folder = settings.data_dir / "sandbox"
    sandbox = settings.sandbox
    world = ensure(
        folder, settings.catalog.credentials, sandbox.seed, sandbox.tracks, create_tables, habits=sandbox.habits
    )
    told = folder / "export-given"
    if not told.exists():
        from sandbox.export import write_extended

        settings.spotify_export.inbox.mkdir(parents=True, exist_ok=True)
        write_extended(world, settings.spotify_export.inbox / EXPORT_NAME)
        told.touch()
    return world
