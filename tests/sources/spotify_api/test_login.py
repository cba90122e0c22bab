"""The listener's consent, through a real redirect."""

import json
import socket
import struct
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener, urlopen

import pytest

from sources.problem import Problem, UsageProblem
from sources.spotify_api.accounts import App
from sources.spotify_api.login import Doorway, ask, challenge, complete
from sources.spotify_api.token_store import LoginNeeded, TokenStore, warning

NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)


@pytest.fixture
def store(place):
    return place.connection.store


def follow(url: str) -> None:
    """What a browser does once the listener agreed."""
    threading.Thread(target=lambda: urlopen(url).read(), daemon=True).start()


def through_the_door(place, app: App):
    with Doorway(0) as door:
        consent = ask(app, door.port)
        door.expect(consent)
        follow(consent.url)
        return complete(app, place.connection.store, consent, door.wait(10), now=place.clock())


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def redirected(url: str) -> str:
    """The address that a browser would be sent to."""
    try:
        build_opener(_Stay).open(url)
    except HTTPError as answer:
        return answer.headers["Location"]
    raise AssertionError("no redirect")


@pytest.mark.parametrize("has_secret", [True, False])
def test_the_browser_comes_back_and_the_token_polls(place, has_secret):
    app = place.connection.app if has_secret else App(place.connection.app.accounts_url, place.server.client_id)
    place.given(None)
    place.connection = type(place.connection)(place.connection.api_url, app, None, place.root / "tokens")
    assert place.poll().status == "login needed"
    grant = through_the_door(place, app)
    assert grant.authorized_at == place.clock().isoformat()
    assert place.poll().new_plays == 50
    place.server.admin("POST /admin/tokens", {"expire_access": True})
    assert place.poll().status == "quiet"


def test_a_machine_without_a_browser_pastes_the_address(place, store):
    consent = ask(place.connection.app)
    pasted = f"  {redirected(consent.url)}\n"
    grant = complete(place.connection.app, store, consent, pasted, now=NOW)
    assert store.load(NOW) == grant


def test_the_least_scope_is_asked_for_on_the_loopback_address(place):
    consent = ask(App("https://accounts.example", "the-app"), port=4321)
    query = parse_qs(urlsplit(consent.url).query)
    assert query["scope"] == ["user-read-recently-played"]
    assert query["redirect_uri"] == ["http://127.0.0.1:4321/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["code_challenge"] == [challenge(consent.verifier)]
    assert 43 <= len(consent.verifier) <= 128


def test_the_challenge_is_that_of_the_standard():
    # the example of RFC 7636, appendix B
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_two_questions_share_nothing(place):
    app = App("https://accounts.example", "the-app")
    assert ask(app).state != ask(app).state
    assert ask(app).verifier != ask(app).verifier


def test_an_address_of_another_login_is_refused(place, store):
    app = place.connection.app
    other = redirected(ask(app).url)
    with pytest.raises(Problem, match="state differs"):
        complete(app, store, ask(app), other)
    assert not store.path.exists()


def test_a_listener_who_says_no_is_told_so(place, store):
    place.fault("deny")
    consent = ask(place.connection.app)
    with pytest.raises(Problem, match="access_denied"):
        complete(place.connection.app, store, consent, redirected(consent.url))


def test_a_code_serves_once(place, store):
    consent = ask(place.connection.app)
    address = redirected(consent.url)
    complete(place.connection.app, store, consent, address)
    with pytest.raises(Problem, match="invalid_grant"):
        complete(place.connection.app, store, consent, address)


def test_strangers_at_the_door_do_not_end_the_waiting():
    consent = ask(App("https://accounts.example", "the-app"))
    with Doorway(0) as door:
        door.expect(consent)
        base = f"http://127.0.0.1:{door.port}"
        for path in ("/", "/callback", "/callback?code=x&state=guess", f"/other?state={consent.state}"):
            with pytest.raises(HTTPError):
                urlopen(base + path)
        urlopen(f"{base}/callback?code=good&state={consent.state}").read()
        with pytest.raises(HTTPError):
            urlopen(f"{base}/callback?code=late&state={consent.state}")
        assert consent.code(door.wait(1)) == "good"


def test_a_browser_that_hangs_up_before_the_thanks_has_come_back():
    consent = ask(App("https://accounts.example", "the-app"))
    with Doorway(0) as door:
        door.expect(consent)
        with socket.create_connection(("127.0.0.1", door.port)) as browser:
            browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close is a reset
            browser.sendall(f"GET /callback?code=good&state={consent.state} HTTP/1.1\r\n".encode())
            time.sleep(0.2)
            browser.sendall(b"Host: 127.0.0.1\r\n\r\n")
        assert consent.code(door.wait(2)) == "good"


def test_the_door_is_on_loopback_alone():
    with Doorway(0) as door:
        assert door._server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_a_usage_problem():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageProblem, match="--port"):
            Doorway(taken.getsockname()[1])


def test_nobody_comes_back():
    with Doorway(0) as door, pytest.raises(Problem, match="paste the address"):
        door.wait(0.05)


def test_the_file_is_the_owners_alone_from_its_first_byte(tmp_path, monkeypatch):
    import os

    modes = []
    real = os.open

    def watched(path, flags, *mode):
        if flags & os.O_CREAT:
            modes.append(mode)
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", watched)
    store = TokenStore("https://accounts.example", "app", None, tmp_path / "config")
    store.accept("a token", NOW)
    store.accept("another token", NOW)
    assert modes == [(0o600,), (0o600,)]
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o077 == 0
    assert [path.name for path in store.path.parent.iterdir()] == [store.path.name]


def test_the_file_is_in_the_configuration_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    store = TokenStore("https://accounts.example", "app", None)
    assert store.path.parent == tmp_path / "xdg" / "listening-lakehouse"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store = TokenStore("https://accounts.example", "app", None)
    assert store.path.parent == tmp_path / "home" / ".config" / "listening-lakehouse"


def test_each_app_and_service_has_a_file_of_its_own(tmp_path):
    places = [("https://a.example", "1"), ("https://a.example", "2"), ("https://b.example", "1")]
    assert len({TokenStore(*place, None, tmp_path).path for place in places}) == 3
    assert len({TokenStore(f"http://127.0.0.1:{port}", "1", None, tmp_path).path for port in (1234, 4321)}) == 1


def test_a_login_wins_over_the_setting_that_was_there_and_loses_to_a_new_one(tmp_path):
    def store(given):
        return TokenStore("https://a.example", "1", given, tmp_path)

    assert store("from settings").load(NOW).refresh_token == "from settings"
    store("from settings").accept("from login", NOW)
    assert store("from settings").load(NOW).refresh_token == "from login"
    assert store(None).load(NOW).refresh_token == "from login"
    assert store("newer setting").load(NOW).refresh_token == "newer setting"


def test_a_spoiled_file_asks_for_a_login(tmp_path):
    store = TokenStore("https://a.example", "1", None, tmp_path)
    store.path.write_text("{")
    with pytest.raises(LoginNeeded, match="cannot be read"):
        store.load(NOW)


def test_a_discarded_grant_keeps_no_token(tmp_path):
    store = TokenStore("https://a.example", "1", None, tmp_path)
    store.discard(store.accept("very secret", NOW), NOW)
    assert "very secret" not in store.path.read_text()
    with pytest.raises(LoginNeeded, match="no longer accepts"):
        store.load(NOW)


def test_the_warning_comes_from_day_150_on(tmp_path):
    grant = TokenStore("https://a.example", "1", None, tmp_path).accept("token", NOW)
    assert warning(grant, NOW + timedelta(days=149)) is None
    assert "ends in 31 days" in warning(grant, NOW + timedelta(days=150))
    assert grant.dies_at == datetime(2027, 2, 28, 12, tzinfo=UTC)
    assert grant.days_left(NOW + timedelta(days=400)) == 0


def test_a_token_from_settings_lives_at_most_six_months_more(tmp_path):
    grant = TokenStore("https://a.example", "1", "given", tmp_path).load(NOW)
    assert grant.authorized_at is None
    assert "at most" in warning(grant, NOW + timedelta(days=170))


def test_a_poll_passes_the_warning_on(place):
    place.poll()
    (file,) = (place.root / "tokens").iterdir()
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {"authorized_at": (place.clock() - timedelta(days=160)).isoformat()}))
    assert "login ends" in place.poll().warning
