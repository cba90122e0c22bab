"""Metabase's REST API: one session, one paragraph for an error.

The first visit to a new Metabase makes its administrator from the settings. A key of the API works as well as a user.

Data flow: settings -> session -> answers as Python values
"""

import logging
import time
from typing import Any

from pipelines.settings import MetabaseSettings
from sources.problem import Problem, UsageProblem

SECONDS = 60
STARTING_SECONDS = 180
log = logging.getLogger("lakehouse.dashboards")


class Metabase:
    """A signed-in connection.

    Attributes:
        writes: Number of requests that changed something.
    """

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        """Names the server; nothing is sent."""
        import requests

        self.url, self.writes = url.rstrip("/"), 0
        self._session = requests.Session()
        self._session.headers.update(headers or {})

    def get(self, path: str, **query: str) -> Any:
        """The answer to a GET; None where there is no such thing."""
        response = self._send("get", path, params=query)
        return None if response.status_code == 404 else _read(response, path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a POST.

        Raises:
            Problem: Metabase refused it or cannot be reached.
        """
        self.writes += 1
        return _read(self._send("post", path, json=body or {}), path)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """The answer to a PUT.

        Raises:
            Problem: Metabase refused it or cannot be reached.
        """
        self.writes += 1
        return _read(self._send("put", path, json=body), path)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        import requests

        try:
            return self._session.request(method, f"{self.url}{path}", timeout=SECONDS, **options)
        except requests.RequestException as error:
            raise Problem(
                f"Metabase at {self.url} does not answer ({type(error).__name__}). Start it, or correct METABASE__URL."
            ) from error


class Rehearsal(Metabase):
    """A connection that reads and sends nothing else; what would be made gets a number that nobody has."""

    FIRST = 10**9

    def get(self, path: str, **query: str) -> Any:
        """The answer to a GET; None for what was not really made."""
        is_made_up = any(part.isdecimal() and int(part) > self.FIRST for part in path.split("/"))
        return None if is_made_up else super().get(path, **query)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A number as if it had been made."""
        log.debug("would post %s with %s", path, sorted(body or {}))
        self.writes += 1
        return {"id": self.FIRST + self.writes}

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """Nothing."""
        log.debug("would put %s with %s", path, sorted(body))
        self.writes += 1


def sign_in(settings: MetabaseSettings, dry_run: bool = False) -> Metabase:
    """A connection to Metabase, whose first user is made where there is none.

    Args:
        settings: Where it is and who signs in.
        dry_run: Make no user, and give a connection that changes nothing.

    Raises:
        UsageProblem: The settings name no server or nobody to sign in.
        Problem: Metabase cannot be reached, refuses them, or has no user yet and none may be made.
    """
    if not settings.url:
        raise UsageProblem("Which Metabase? Set METABASE__URL, such as http://127.0.0.1:3000.")
    metabase = Metabase(settings.url)
    if settings.api_key:
        return _as(metabase, {"x-api-key": settings.api_key}, dry_run)
    if not (settings.user and settings.password):
        raise UsageProblem("Who signs in to Metabase? Set METABASE__USER and METABASE__PASSWORD, or METABASE__API_KEY.")
    properties = _started(metabase)
    if properties.get("has-user-setup") or not properties.get("setup-token"):
        session = metabase.post("/api/session", {"username": settings.user, "password": settings.password})
    elif not dry_run:
        session = metabase.post("/api/setup", _first_user(settings, properties["setup-token"]))
        log.info("dashboards: the first user of Metabase is %s", settings.user)
    else:
        raise Problem(f"Metabase at {settings.url} has no user yet: without --dry-run the first one is made.")
    return _as(metabase, {"X-Metabase-Session": session["id"]}, dry_run)


def _as(metabase: Metabase, headers: dict[str, str], dry_run: bool) -> Metabase:
    return (Rehearsal if dry_run else Metabase)(metabase.url, headers)


def _first_user(settings: MetabaseSettings, token: str) -> dict[str, Any]:
    user = {"email": settings.user, "password": settings.password, "first_name": None, "last_name": None}
    return {"token": token, "user": user, "prefs": {"site_name": "Listening Lakehouse", "site_locale": "en"}}


def _started(metabase: Metabase) -> dict[str, Any]:
    """The public properties, as soon as a Metabase that is starting has them."""
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        response = metabase._send("get", "/api/session/properties")
        if response.status_code != 503 or time.monotonic() > deadline:
            properties: dict[str, Any] = _read(response, "/api/session/properties")
            return properties
        time.sleep(1)


def _read(response: Any, path: str) -> Any:
    if response.ok:
        return response.json() if response.content else None
    if response.status_code in (401, 403):
        raise Problem(
            f"Metabase does not let METABASE__USER or METABASE__API_KEY do {path}: it must be an administrator's."
        )
    said = " ".join(response.text.split())[:300]
    raise Problem(f"Metabase answered {path} with {response.status_code}: {said}")
