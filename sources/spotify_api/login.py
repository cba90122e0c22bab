"""The listener's consent: authorization code, with PKCE or with the app's secret.

The browser comes back to `http://127.0.0.1:PORT/callback` on this machine, which listens on loopback alone, for one
answer, with the state that was sent out. On a machine without a browser the listener opens the address elsewhere and
pastes the address that the browser ends at (the page will not load there, its address is what counts).
Data flow: authorize URL -> person -> redirected URL -> code -> accounts service -> token file.
"""

import base64
import hashlib
import hmac
import html
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sources.problem import Problem, UsageProblem
from sources.spotify_api.accounts import Accounts, App
from sources.spotify_api.answers import Verdict
from sources.spotify_api.token_store import Grant, TokenStore
from sources.spotify_api.transport import HttpOptions

SCOPE = "user-read-recently-played"
DEFAULT_PORT = 8888
PATH = "/callback"


@dataclass(frozen=True)
class Consent:
    """One question to the listener.

    Attributes:
        url: Where the listener says yes or no.
        redirect_uri: Where the browser is sent then; has to be registered with the app.
        state: Comes back unchanged, or the answer is not ours.
        verifier: PKCE's secret half, None for an app with a secret.
    """

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str | None = field(repr=False)

    def code(self, redirected: str) -> str:
        """The authorization code of the URL that the browser was sent to.

        Raises:
            Problem: The listener said no, or the URL answers another question.
        """
        query = parse_qs(urlsplit(redirected.strip()).query)
        state, code, error = (query.get(name, [""])[0] for name in ("state", "code", "error"))
        if not hmac.compare_digest(state.encode(), self.state.encode()):
            raise Problem(
                "The address does not belong to this login (its state differs): run"
                " `python pipelines/run.py login` again and use the address that it shows."
            )
        if error or not code:
            raise Problem(
                f"Spotify gave no consent ({_word(error) or 'no code'}): run the login again and agree to it."
            )
        return code


def ask(app: App, port: int = DEFAULT_PORT) -> Consent:
    """Make the question for an app; one without a secret proves itself by PKCE."""
    redirect_uri = f"http://127.0.0.1:{port}{PATH}"
    state = secrets.token_urlsafe(24)
    verifier = None if app.client_secret else secrets.token_urlsafe(64)
    query = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
    }
    if verifier:
        query |= {"code_challenge_method": "S256", "code_challenge": challenge(verifier)}
    return Consent(f"{app.accounts_url.rstrip('/')}/authorize?{urlencode(query)}", redirect_uri, state, verifier)


def challenge(verifier: str) -> str:
    """PKCE's public half."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def complete(
    app: App,
    store: TokenStore,
    consent: Consent,
    redirected: str,
    *,
    now: datetime | None = None,
    http: HttpOptions | None = None,
) -> Grant:
    """Exchange the code of the redirected URL and keep what it brings.

    Raises:
        Problem: No consent, or the accounts service does not take the code.
    """
    code = consent.code(redirected)
    answer = Accounts(app, store, http or HttpOptions()).exchange(code, consent.verifier, consent.redirect_uri)
    token = (answer.body or {}).get("refresh_token")
    if answer.verdict is not Verdict.OK or not isinstance(token, str):
        raise Problem(
            f"The accounts service at {app.accounts_url} did not exchange the code"
            f" ({_word(answer.error) or answer.status}); a code serves"
            " once and for a few minutes: run `python pipelines/run.py login` again."
        )
    return store.accept(token, now or datetime.now(UTC))


class Doorway:
    """Waits on loopback for the browser to come back.

    Use as a context manager; `wait` gives the redirected URL.

    The state of the expected consent alone opens the door; anything else is turned away and does not end the waiting.

    Args:
        port: The port of the redirect address; 0 takes a free one (`port` then says which).
    """

    def __init__(self, port: int = DEFAULT_PORT) -> None:
        self._came = threading.Event()
        self._url = ""
        self._state: str | None = None
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        except OSError as error:
            raise UsageProblem(
                f"Port {port} on 127.0.0.1 cannot be used ({error.strerror}): give `login --port` another one that the"
                " app's redirect addresses allow."
            ) from None
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "Doorway":
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, consent: Consent) -> None:
        """Open the door for the answer to this question."""
        self._state = consent.state

    def wait(self, seconds: float) -> str:
        """The redirected URL.

        Raises:
            Problem: Nobody came in time.
        """
        if not self._came.wait(seconds):
            raise Problem(
                f"Nobody came back from Spotify within {seconds:.0f} seconds: run `python pipelines/run.py login`"
                " again; on a machine without a browser, paste the address that the browser ends at elsewhere."
            )
        return self._url

    def _admit(self, target: str) -> bool:
        query = parse_qs(urlsplit(target).query)
        state = query.get("state", [""])[0]
        known = self._state is not None and hmac.compare_digest(state.encode(), self._state.encode())
        if urlsplit(target).path != PATH or not known:
            return False
        self._state = None  # one use
        self._url = f"http://127.0.0.1:{self.port}{target}"
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        admit, came = self._admit, self._came

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                if admit(self.path):
                    with suppress(OSError):  # a browser that has gone has brought its answer all the same
                        _answer(self, 200, "Thank you. You can close this window and go back to the terminal.")
                    came.set()
                else:
                    _answer(self, 404, "This is not the page that the login waits for.")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: the address holds the code."""

        return Handler


def _answer(handler: BaseHTTPRequestHandler, status: int, text: str) -> None:
    body = f"<!doctype html><title>Listening Lakehouse</title><p>{html.escape(text)}</p>".encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Cache-Control", "no-store")
    handler.send_header("Referrer-Policy", "no-referrer")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


def _word(error: str) -> str:
    return "".join(letter for letter in error if letter.isalnum() or letter in "_-")[:40]
