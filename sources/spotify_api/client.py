"""The client: one question to the Spotify Web API, with one rule for what to do about each answer.

spotipy forms the requests; waiting, refreshing and giving up are decided here:

| answer | what happens |
|---|---|
| 200 with the JSON object that was asked for | returned |
| 204, 404, 403, other 4xx | returned: the caller knows what they mean where |
| 401 | the access token is refreshed once |
| 429 with a short Retry-After | waited for once, then asked again |
| 429 with a long one, a second 429, `QUOTA_EXCEEDED` | `CircuitOpened`: nothing may be asked before T |
| 5xx, timeout, cut connection, HTML, broken JSON | a few tries more, then returned as broken |
| 4xx of the accounts service | `Problem`: a person has to look |

Every request is admitted (counted, or refused for the budget) before it is sent. No token and no body is ever logged.
Data flow: meter -> Client -> Accounts (access token) -> spotipy -> BoundedSession -> Answer.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import requests

from sources.problem import Problem
from sources.spotify_api.accounts import Accounts
from sources.spotify_api.answers import NO_ANSWER, UNHEARD, Answer, Verdict
from sources.spotify_api.light import without_redis
from sources.spotify_api.polls import PAGE_SIZE
from sources.spotify_api.token_store import Grant
from sources.spotify_api.transport import BoundedSession, HttpOptions, host_of

with without_redis():
    import spotipy

logger = logging.getLogger("lakehouse.spotify_api")
UNTOLD_WAIT = 5.0
"""Seconds to wait after a 429 that does not say how long."""
_CARRIED_OVER = (Verdict.THROTTLED, Verdict.QUOTA, Verdict.BROKEN)
_REFUSALS = (Verdict.INVALID, Verdict.FORBIDDEN, Verdict.UNAUTHORIZED, Verdict.MISSING)

OBJECT_CALLS: dict[str, Callable[[Any, str], Any]] = {
    "tracks": lambda spotify, key: spotify.track(key),
    "albums": lambda spotify, key: spotify.album(key),
    "artists": lambda spotify, key: spotify.artist(key),
    "audio_features": lambda spotify, key: spotify._get(f"audio-features/{key}"),  # spotipy knows the batch only
}
"""How an object of each kind is asked for, one at a time: the batch endpoints are gone for most apps."""


class CircuitOpened(Exception):
    """The server wants to be left alone.

    Attributes:
        status: HTTP status of the answer.
        seconds: How long, None if the server did not say.
    """

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(f"status {status}, wait {seconds}")
        self.status = status
        self.seconds = seconds


class Client:
    """A session with the API on behalf of one listener.

    Args:
        api_url: Ends with `/v1/`.
        accounts: Where access tokens come from.
        grant: The listener's consent.
        admit: Called with the endpoint's name before each request; raises to refuse it.
        now: The clock that tokens are measured by.
        options: Bounds.
    """

    def __init__(
        self,
        api_url: str,
        accounts: Accounts,
        grant: Grant,
        *,
        admit: Callable[[str], None],
        now: Callable[[], datetime],
        options: HttpOptions,
    ) -> None:
        self.grant = grant
        self._accounts = accounts
        self._admit = admit
        self._now = now
        self._options = options
        self._patience = options.patience
        self._session = BoundedSession(options, host_of(api_url))
        self._spotify = spotipy.Spotify(auth="-", requests_session=self._session)
        logging.getLogger("spotipy.client").addFilter(_drop)  # its debug lines print the Authorization header
        self._spotify.prefix = f"{api_url.rstrip('/')}/"

    def recently_played(self) -> Answer:
        """The last fifty plays, without a cursor."""
        return self._ask(
            "recently-played", lambda spotify: spotify.current_user_recently_played(limit=PAGE_SIZE), "items", list
        )

    def fetch(self, kind: str, key: str) -> Answer:
        """One track, album, artist or set of audio features by its id."""
        return self._ask(kind, lambda spotify: OBJECT_CALLS[kind](spotify, key), "id", str)

    def me(self) -> Answer:
        """The listener's account."""
        return self._ask("me", lambda spotify: spotify.me(), "id", str)

    def _ask(self, endpoint: str, call: Callable[[Any], Any], needs: str, kind: type) -> Answer:
        tries = _Tries()
        answer = self._once(endpoint, call, needs, kind)
        while self._is_worth_another(answer, tries):
            answer = self._once(endpoint, call, needs, kind)
        if answer.verdict in (Verdict.THROTTLED, Verdict.QUOTA):
            raise CircuitOpened(answer.status, answer.retry_after)
        return answer

    def _is_worth_another(self, answer: Answer, tries: "_Tries") -> bool:
        match answer.verdict:
            case Verdict.BROKEN:
                tries.broken += 1
                pause = self._options.backoff * 2 ** (tries.broken - 1) * random.uniform(0.8, 1.2)  # noqa: S311
                return tries.broken <= self._options.retries and self._wait(pause)
            case Verdict.UNAUTHORIZED:
                tries.unauthorized += 1
                self.grant = replace(self.grant, access_token=None)
                return tries.unauthorized == 1
            case Verdict.THROTTLED:
                tries.throttled += 1
                return tries.throttled == 1 and self._wait(answer.retry_after or UNTOLD_WAIT)
        return False

    def _once(self, endpoint: str, call: Callable[[Any], Any], needs: str, kind: type) -> Answer:
        token = self.grant.access(self._now())
        if token is None:
            self._admit("token")
            answer, self.grant = self._accounts.refresh(self.grant, self._now())
            if answer.verdict is not Verdict.OK:
                return _without_token(answer)
            token = self.grant.access_token or ""
        self._admit(endpoint)
        answer = self._send(token, call)
        if answer.verdict is not Verdict.OK:
            logger.info("%s: %s (%d)", endpoint, answer.verdict.value, answer.status)
        elif not isinstance((answer.body or {}).get(needs), kind):
            logger.info("%s: an answer without %s", endpoint, needs)
            return Answer(Verdict.BROKEN, NO_ANSWER)
        return answer

    def _send(self, token: str, call: Callable[[Any], Any]) -> Answer:
        self._spotify.set_auth(token)
        self._session.heard = UNHEARD
        try:
            call(self._spotify)
        except requests.RequestException as error:
            logger.info("no answer: %s", type(error).__name__)
            return UNHEARD
        except (spotipy.SpotifyException, AttributeError, TypeError):
            if self._session.heard is UNHEARD:  # spotipy itself refuses what is no id
                return Answer(Verdict.INVALID, 400)
        return self._session.heard

    def _wait(self, seconds: float) -> bool:
        if seconds > min(self._options.short_wait, self._patience):
            return False
        self._patience -= seconds
        self._options.sleep(seconds)
        return True


def _without_token(answer: Answer) -> Answer:
    """What an answer of the accounts service that brought no access token means for the question behind it."""
    if answer.verdict in _REFUSALS:
        word = f", {answer.error}" if answer.error.isidentifier() else ""
        raise Problem(
            f"Spotify's accounts service gives no access token ({answer.status}{word}): check"
            " SOURCES__SPOTIFY_API__CLIENT_ID, the app at https://developer.spotify.com/dashboard and"
            " SOURCES__SPOTIFY_API__ACCOUNTS_URL, or log in again (`python pipelines/run.py login`)."
        )
    return answer if answer.verdict in _CARRIED_OVER else UNHEARD


@dataclass
class _Tries:
    broken: int = 0
    unauthorized: int = 0
    throttled: int = 0


def _drop(_: logging.LogRecord) -> bool:
    return False
