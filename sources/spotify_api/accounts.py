"""The accounts service: codes and refresh tokens in, access tokens out.

An app with a secret names itself by it, an app without one by its id (PKCE). What comes back is saved before anything
else is done with it: a rotated token that is lost cannot be asked for again.
Data flow: Grant -> POST /api/token -> Grant -> token file.
"""

import base64
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests

from sources.problem import Problem, UsageProblem
from sources.spotify_api.answers import NO_ANSWER, UNHEARD, Answer, Verdict
from sources.spotify_api.token_store import Grant, LoginNeeded, TokenStore, dead_message
from sources.spotify_api.transport import BoundedSession, HttpOptions, host_of

logger = logging.getLogger("lakehouse.spotify_api")


@dataclass(frozen=True)
class App:
    """The app as it is registered with Spotify.

    Attributes:
        accounts_url: Scheme and host of the accounts service.
        client_id: The app's id.
        client_secret: None for an app that uses PKCE.
    """

    accounts_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)

    @property
    def token_url(self) -> str:
        """Where tokens are exchanged."""
        return f"{self.accounts_url.rstrip('/')}/api/token"


class Accounts:
    """Exchanges tokens for one app."""

    def __init__(self, app: App, store: TokenStore, options: HttpOptions) -> None:
        self._app = app
        self._store = store
        self._session = BoundedSession(options, host_of(app.accounts_url))

    def refresh(self, grant: Grant, now: datetime) -> tuple[Answer, Grant]:
        """Ask for a new access token; with another refresh token, where the file has one by now.

        Returns:
            The answer, and the grant with what it brought, saved already.

        Raises:
            LoginNeeded: The refresh token is dead; it is discarded.
            UsageProblem: The app's id or secret is wrong.
        """
        with self._store.held():
            return self._refresh(self._newest(grant, now), now)

    def exchange(self, code: str, verifier: str | None, redirect_uri: str) -> Answer:
        """Exchange an authorization code; the answer's body holds the tokens.

        Raises:
            UsageProblem: The app's id or secret is wrong.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        answer = self._post(form | ({"code_verifier": verifier} if verifier else {}))
        self._check_app(answer)
        return answer

    def _refresh(self, grant: Grant, now: datetime) -> tuple[Answer, Grant]:
        answer = self._post({"grant_type": "refresh_token", "refresh_token": grant.refresh_token})
        if answer.error == "invalid_grant":
            self._discard(grant, now)
            raise LoginNeeded(dead_message(grant))
        self._check_app(answer)
        if answer.verdict is not Verdict.OK or answer.body is None:
            return answer, grant
        fresh = _grown(grant, answer.body, now)
        self._keep(grant, fresh)
        return answer, fresh

    def _post(self, form: dict[str, str]) -> Answer:
        headers = {}
        if self._app.client_secret:
            pair = f"{self._app.client_id}:{self._app.client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            form = form | {"client_id": self._app.client_id}
        try:
            self._session.request("POST", self._app.token_url, data=form, headers=headers)
        except requests.RequestException as error:
            logger.warning("accounts service: %s", type(error).__name__)
            return UNHEARD
        return _checked(self._session.heard)

    def _keep(self, grant: Grant, fresh: Grant) -> None:
        try:
            self._store.save(fresh)
        except OSError as error:
            if fresh.refresh_token != grant.refresh_token:
                raise Problem(
                    f"Spotify gave a new refresh token and it could not be written to {self._store.path}"
                    f" ({error.strerror}): make that place writable, then run `python pipelines/run.py login`."
                ) from None
            logger.warning("%s cannot be written; an access token will be asked for in every run", self._store.path)

    def _discard(self, grant: Grant, now: datetime) -> None:
        try:
            self._store.discard(grant, now)
        except OSError:
            logger.warning("%s cannot be written; the next run sends the dead token again", self._store.path)

    def _newest(self, grant: Grant, now: datetime) -> Grant:
        # a login or another run may have brought another token meanwhile: the one in hand must not take its place
        kept = self._store.peek(now)
        if kept is None or kept.discarded_at:
            return grant
        is_same = (kept.lineage, kept.refresh_token) == (grant.lineage, grant.refresh_token)
        return grant if is_same else kept

    def _check_app(self, answer: Answer) -> None:
        if answer.error in ("invalid_client", "unauthorized_client"):
            raise UsageProblem(
                f"The accounts service at {self._app.accounts_url} does not know this app: check"
                " SOURCES__SPOTIFY_API__CLIENT_ID and SOURCES__SPOTIFY_API__CLIENT_SECRET."
            )


def _checked(answer: Answer) -> Answer:
    if answer.verdict is Verdict.OK and not isinstance((answer.body or {}).get("access_token"), str):
        return Answer(Verdict.BROKEN, NO_ANSWER)
    return answer


def _grown(grant: Grant, body: Any, now: datetime) -> Grant:
    seconds = body.get("expires_in")
    return replace(
        grant,
        refresh_token=body.get("refresh_token") or grant.refresh_token,
        access_token=body["access_token"],
        expires_at=(now + timedelta(seconds=seconds if isinstance(seconds, int) else 3600)).isoformat(),
    )
