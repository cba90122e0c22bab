"""Whose plays these are: a lake holds those of one listener, so a new login is asked for its name before a page is.

Data flow: client, journal -> `/me` -> journal
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.problem import Problem
from sources.spotify_api.answers import Verdict
from sources.spotify_api.client import Client
from sources.spotify_api.journal import Journal

NAMES = ("account_id", "id")
"""What Spotify calls a listener by; the second is the older one."""


def meet(client: Client, journal: Journal, now: datetime, app: str) -> None:
    """Make sure that the login is the listener's, once per login.

    Args:
        client: Asks `/me`.
        journal: Knows the listener, and remembers the answer.
        now: The clock.
        app: The app and the login, as refusals are remembered for.

    Raises:
        Problem: It is another listener's, or nobody says whose, where the lake has a listener.
    """
    memory, name = journal.memory, f"{app}/me"
    is_unasked = not memory.account and memory.is_refused(name, now)
    if memory.account.get("lineage") == client.grant.lineage or is_unasked:
        return
    answer = client.me()
    names = _names(answer.body) if answer.verdict is Verdict.OK else []
    if answer.verdict is Verdict.UNAUTHORIZED:
        raise Problem("Spotify refuses an access token that it gave a moment ago: try again, or log in again.")
    if names:
        row = {"account_id": _recognised(names, journal), "seen_at": now.astimezone(UTC).isoformat()}
        journal.append({"event": "account", "row": row, "lineage": client.grant.lineage})
    elif memory.account:
        raise Problem(
            f"Spotify does not say whose the new login is ({answer.verdict.value} to /me), and this lake holds the"
            " plays of one listener: no plays were taken, the next run asks again."
        )
    elif answer.verdict is not Verdict.BROKEN:
        journal.append({"event": "refused", "name": name, "until": (now + timedelta(days=1)).isoformat()})


def _names(body: Mapping[str, Any] | None) -> list[str]:
    return [str(body[key]) for key in NAMES if body.get(key)] if body else []


def _recognised(names: list[str], journal: Journal) -> str:
    """The name that the listener has here."""
    account = str(journal.memory.account.get("id") or names[0])
    if account not in names:
        raise Problem(
            "The Spotify login belongs to another listener than the plays in this lake; no plays were taken: log in"
            " as the first listener, or give the second a lake of their own (DESTINATION__LAKE__BUCKET_URL and"
            " LAKEHOUSE__DATA_DIR)."
        )
    return account
