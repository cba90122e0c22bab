"""Spotify's accounts service: consent, codes, access and refresh tokens.

Consent is given at once. Refresh tokens from a consent die six months after it in the listener's time; those of PKCE
are replaced at each refresh. What was issued is kept in the world, so that a login outlives the server; access tokens
die with it, and an hour after they were made.

Data flow: `/authorize`, `/api/token` -> Answer; bearer token -> Grant for the Web API.
"""

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from threading import RLock
from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox import ids
from sandbox.answer import Answer
from sandbox.world import World

SCOPES = "user-read-recently-played"
"""What the built-in refresh token may do."""
SIX_MONTHS_MS = 183 * 86_400_000
_LOOPBACK = {"127.0.0.1", "::1"}


@dataclass(frozen=True)
class Grant:
    """What an access token may do, and until when (monotonic seconds)."""

    scope: str
    is_user: bool
    expires: float


@dataclass(frozen=True)
class Code:
    """An authorization code on its way to become a token."""

    redirect_uri: str
    scope: str
    challenge: str | None
    expires: float


class Accounts:
    """One registered app and everything that was issued to it.

    Attributes:
        rotates: Whether each refresh replaces the refresh token, as it always does for PKCE.
        access_seconds: Life of an access token.
        refresh_days: Life of the built-in refresh token counted from the first `now`, None for no end.
        redirect_uris: Registered addresses; None: any path on a loopback literal.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.client_id = f"{ids.number('client', world.seed):016x}" * 2
        self.client_secret = f"{ids.number('secret', world.seed):016x}" * 2
        self.refresh_token = f"AQ{ids.spotify_id('refresh', world.seed)}sandbox"
        self.rotates = False
        self.access_seconds = 3600
        self.redirect_uris: list[str] | None = None
        self._lock = RLock()
        self._grants: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        self._born = {"scope": SCOPES, "pkce": False, "dies_ms": None}

    def authorize(self, query: Mapping[str, str], is_denied: bool = False) -> Answer:
        """Answer `/authorize`: back to the app with a code, as if a person had agreed."""
        if query.get("client_id") != self.client_id:
            return Answer(400, "INVALID_CLIENT: Invalid client")
        redirect = query.get("redirect_uri", "")
        if not self._is_registered(redirect):
            return Answer(400, "INVALID_CLIENT: Invalid redirect URI")
        state = {"state": query["state"]} if "state" in query else {}
        problem = self._problem(query, is_denied)
        if problem:
            return _redirect(redirect, {"error": problem} | state)
        code = token_urlsafe(24)
        granted = Code(redirect, query.get("scope", ""), query.get("code_challenge"), time.monotonic() + 600)
        with self._lock:
            self._codes[code] = granted
        return _redirect(redirect, {"code": code} | state)

    def token(self, form: Mapping[str, str], authorization: str) -> Answer:
        """Answer `POST /api/token`."""
        client_id, secret = _credentials(form, authorization)
        if client_id != self.client_id:
            return _refuse("invalid_client", "Invalid client")
        if secret is not None and secret != self.client_secret:
            return _refuse("invalid_client", "Invalid client secret")
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._by_code(form, secret)
        if kind == "refresh_token":
            return self._by_refresh(form.get("refresh_token", ""), secret)
        if kind == "client_credentials" and secret is not None:
            return Answer(200, self._access("", is_user=False))
        return _refuse("unsupported_grant_type", "grant_type parameter is missing or not supported")

    def grant(self, authorization: str) -> Grant | str:
        """Return what a bearer token may do, or Spotify's message of refusal."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            return "No token provided"
        grant = self._grants.get(token)
        if grant is None:
            return "Invalid access token"
        return grant if grant.expires > time.monotonic() else "The access token expired"

    def revoke(self) -> None:
        """Kill every refresh token; access tokens live on until they expire."""
        with self._lock:
            self._keep({})

    def expire_access(self) -> None:
        """Let every access token be expired now."""
        with self._lock:
            self._grants = {token: Grant(grant.scope, grant.is_user, 0) for token, grant in self._grants.items()}

    def set_life(self, days: float | None) -> None:
        """Let the built-in refresh token die so many days after the listener's present time, None for never."""
        with self._lock:
            dies = None if days is None else self.world.now_ms + int(days * 86_400_000)
            self._keep(self._issued() | {self.refresh_token: self._born | {"dies_ms": dies}})

    def reset(self) -> None:
        """Forget everything that was issued but the built-in refresh token."""
        with self._lock:
            self._keep({self.refresh_token: self._born})
            self._grants, self._codes = {}, {}
            self.rotates, self.access_seconds, self.redirect_uris = False, 3600, None

    def _problem(self, query: Mapping[str, str], is_denied: bool) -> str | None:
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if "code_challenge" in query and query.get("code_challenge_method") != "S256":
            return "invalid_request"
        return "access_denied" if is_denied else None

    def _is_registered(self, redirect: str) -> bool:
        parts = urlsplit(redirect)
        if self.redirect_uris is None:
            return parts.scheme == "http" and parts.hostname in _LOOPBACK
        portless = f"{parts.scheme}://{(parts.netloc.rsplit(':', 1)[0] if parts.port else parts.netloc)}{parts.path}"
        return redirect in self.redirect_uris or (parts.hostname in _LOOPBACK and portless in self.redirect_uris)

    def _by_code(self, form: Mapping[str, str], secret: str | None) -> Answer:
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires < time.monotonic():
            return _refuse("invalid_grant", "Invalid authorization code")
        if code.redirect_uri != form.get("redirect_uri"):
            return _refuse("invalid_grant", "Invalid redirect URI")
        if code.challenge is None and secret is None:
            return _refuse("invalid_request", "code_verifier or client_secret is required")
        if code.challenge is not None and _challenge(form.get("code_verifier", "")) != code.challenge:
            return _refuse("invalid_grant", "code_verifier was incorrect")
        refresh = self._issue(code.scope, pkce=code.challenge is not None, dies_ms=self.world.now_ms + SIX_MONTHS_MS)
        return Answer(200, self._access(code.scope) | {"refresh_token": refresh})

    def _by_refresh(self, refresh: str, secret: str | None) -> Answer:
        with self._lock:
            issued = self._issued()
            known = issued.get(refresh)
            if known is None or (known["dies_ms"] is not None and known["dies_ms"] <= self.world.now_ms):
                return _refuse("invalid_grant", "Refresh token revoked" if known is None else "Refresh token expired")
            if secret is None and not known["pkce"]:
                return _refuse("invalid_client", "Invalid client secret")
            answer = self._access(known["scope"])
            if self.rotates or known["pkce"]:
                del issued[refresh]
                self._keep(issued)
                answer["refresh_token"] = self._issue(**known)
            return Answer(200, answer)

    def _access(self, scope: str, is_user: bool = True) -> dict[str, object]:
        token = f"BQ{token_urlsafe(48)}"
        with self._lock:
            self._grants[token] = Grant(scope, is_user, time.monotonic() + self.access_seconds)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.access_seconds, "scope": scope}

    def _issue(self, scope: str, pkce: bool, dies_ms: int | None) -> str:
        refresh = f"AQ{token_urlsafe(48)}"
        with self._lock:
            self._keep(self._issued() | {refresh: {"scope": scope, "pkce": pkce, "dies_ms": dies_ms}})
        return refresh

    def _issued(self) -> dict[str, dict[str, Any]]:
        kept = self.world.store.meta().get("refresh_tokens")
        issued: dict[str, dict[str, Any]] = json.loads(kept) if kept else {self.refresh_token: self._born}
        return issued

    def _keep(self, issued: Mapping[str, Mapping[str, object]]) -> None:
        self.world.store.set_meta({"refresh_tokens": json.dumps(issued)})


def _credentials(form: Mapping[str, str], authorization: str) -> tuple[str, str | None]:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() == "basic":
        client_id, _, secret = b64decode(encoded).decode(errors="replace").partition(":")
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret")


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _redirect(uri: str, values: Mapping[str, str]) -> Answer:
    sign = "&" if urlsplit(uri).query else "?"
    return Answer(302, None, {"Location": f"{uri}{sign}{urlencode(values)}"})


def _refuse(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description})
