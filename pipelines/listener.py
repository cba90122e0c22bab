"""The listener's side of the Spotify API: which app asks, with whose consent, and what it remembers.

Data flow: Settings -> Connection, Memory of the source spotify_api
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import Settings
from sources.problem import UsageProblem

if TYPE_CHECKING:
    from sources.spotify_api.flow import Connection
    from sources.spotify_api.memory import Memory


def connection(settings: Settings, token_folder: Path | None = None) -> "Connection":
    """Who asks the API.

    Args:
        settings: The environment, its places named.
        token_folder: Where token files are; None is the user's configuration folder.

    Raises:
        UsageProblem: There is no client id.
    """
    from sources.spotify_api.accounts import App
    from sources.spotify_api.flow import Connection

    api = settings.spotify_api
    if not api.client_id:
        raise UsageProblem("Spotify needs an app: set SOURCES__SPOTIFY_API__CLIENT_ID, then run login.")
    app = App(api.accounts_url, api.client_id, api.client_secret)
    return Connection(api.api_url, app, api.refresh_token, token_folder)


def journal_folder(settings: Settings) -> Path:
    """Folder of the journal of polls that are not in the lake yet."""
    return settings.data_dir / "listener"


def memory(settings: Settings) -> "Memory | None":
    """What this machine remembers of the API: budget, silence, last pages; None before the first poll."""
    from sources.spotify_api.journal import Journal

    path = journal_folder(settings) / "spotify_api.jsonl"
    return Journal(path).memory if path.exists() else None
