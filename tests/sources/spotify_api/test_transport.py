"""An exchange ends in time, whatever the server does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from sources.spotify_api.answers import UNHEARD, Verdict
from sources.spotify_api.transport import BoundedSession, HttpOptions, is_loopback

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
QUICK = HttpOptions(connect=1, read=0.5, total=0.6)


@contextmanager
def server(speak: Callable[[socket.socket], None], asked: list[str] | None = None) -> Iterator[str]:
    """One connection to a server that says what it is told to, and notes what it is asked."""
    noted = [] if asked is None else asked
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                noted.append(connection.recv(65_536).decode())
                with suppress(OSError):
                    speak(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def ask(speak: Callable[[socket.socket], None]) -> BoundedSession:
    session = BoundedSession(QUICK, "127.0.0.1")
    with server(speak) as url:
        try:
            session.request("GET", url)
        except requests.RequestException:
            assert session.heard is UNHEARD
    return session


def test_a_whole_answer_is_heard():
    heard = ask(lambda c: c.sendall(HEAD + b"Content-Length: 9\r\n\r\n" + b'{"a": 1}\n')).heard
    assert (heard.verdict, heard.body) == (Verdict.OK, {"a": 1})


def test_a_chunked_answer_is_heard():
    heard = ask(lambda c: c.sendall(HEAD + b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n0\r\n\r\n')).heard
    assert heard.body == {"a": 1}


def test_an_answer_that_drips_is_cut_off_in_time():
    def drip(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.1)

    started = time.monotonic()
    assert ask(drip).heard is UNHEARD
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n",
        HEAD + b"Content-Length: 1000\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n8\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_an_answer_that_breaks_off_or_makes_no_sense_is_none(said):
    assert ask(lambda c: c.sendall(said)).heard == UNHEARD


def test_a_redirect_is_not_followed():
    went = []

    def trap(connection: socket.socket) -> None:
        went.append(1)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with server(trap) as elsewhere:
        location = elsewhere.encode()
        heard = ask(
            lambda c: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
        ).heard
    assert heard.verdict is Verdict.BROKEN
    assert went == []


def test_a_password_of_netrc_does_not_take_the_token_s_place(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login listener password of-another-server\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "*")
    asked: list[str] = []
    session = BoundedSession(QUICK, "api.spotify.com")
    with server(lambda c: c.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}"), asked) as url:
        session.request("GET", url, headers={"Authorization": "Bearer the-token"})
    assert "Authorization: Bearer the-token\r\n" in asked[0]
    assert session.trust_env  # for its proxies


def test_loopback_is_known_by_its_address():
    assert all(map(is_loopback, ["127.0.0.1", "127.8.8.8", "::1", "localhost"]))
    assert not any(map(is_loopback, ["api.spotify.com", "10.0.0.1", ""]))
