from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import spotipy

from sandbox.spotify import serve
from sandbox.world import World

CALLBACK = "http://127.0.0.1:8888/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-standard-0123456789"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
DAY = 86_400


def consent(server, **query):
    asked = {
        "client_id": server.client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "user-read-recently-played",
        "state": "s1",
        **query,
    }
    return requests.get(f"{server.accounts_url}/authorize", params=asked, allow_redirects=False, timeout=30)


def back(answer):
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def exchange(server, code, secret=True, **form):
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **form}
    auth = (server.client_id, server.client_secret) if secret else None
    if not secret:
        asked["client_id"] = server.client_id
    return requests.post(f"{server.accounts_url}/api/token", data=asked, auth=auth, timeout=30)


def test_consent_leads_back_with_code_and_state(server, refreshed):
    answer = consent(server)
    assert answer.headers["Location"].startswith(CALLBACK)
    assert back(answer)["state"] == "s1"
    token = exchange(server, back(answer)["code"]).json()
    assert set(token) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert token["scope"] == "user-read-recently-played"
    assert refreshed(token["refresh_token"]).status_code == 200


def test_a_code_works_once_and_only_with_its_redirect_uri(server):
    code = back(consent(server))["code"]
    assert exchange(server, code, redirect_uri="http://127.0.0.1:8888/other").json()["error"] == "invalid_grant"
    code = back(consent(server))["code"]
    assert exchange(server, code).status_code == 200
    assert exchange(server, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("uri", ["http://localhost:8888/callback", "http://example.com/", "https://10.0.0.1/x", ""])
def test_a_redirect_that_is_no_loopback_literal_is_refused(server, uri):
    assert consent(server, redirect_uri=uri).status_code == 400


def test_registered_redirects_match_exactly_but_for_the_port_of_a_loopback_literal(server):
    server.admin("POST /admin/client", {"redirect_uris": ["http://127.0.0.1/callback", "https://example.com/cb"]})
    assert consent(server).status_code == 302
    assert consent(server, redirect_uri="https://example.com/cb").status_code == 302
    assert consent(server, redirect_uri="http://127.0.0.1:8888/other").status_code == 400
    assert consent(server, redirect_uri="https://example.com:444/cb").status_code == 400


def test_pkce_needs_the_right_verifier_and_no_secret(server):
    asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = back(consent(server, **asked))["code"]
    wrong = exchange(server, code, secret=False, code_verifier="x" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    code = back(consent(server, **asked))["code"]
    first = exchange(server, code, secret=False, code_verifier=VERIFIER).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": server.client_id}
    second = requests.post(f"{server.accounts_url}/api/token", data=form, timeout=30).json()
    assert second["refresh_token"] != first["refresh_token"]
    again = requests.post(f"{server.accounts_url}/api/token", data=form, timeout=30)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_plain_challenge_is_refused(server):
    answer = back(consent(server, code_challenge=VERIFIER, code_challenge_method="plain"))
    assert answer == {"error": "invalid_request", "state": "s1"}


def test_a_code_without_secret_and_verifier_is_worth_nothing(server):
    code = back(consent(server))["code"]
    assert exchange(server, code, secret=False).status_code == 400


def test_a_wrong_secret_or_client_is_refused(server):
    form = {"grant_type": "refresh_token", "refresh_token": server.refresh_token}
    for auth in (("nobody", server.client_secret), (server.client_id, "wrong")):
        answer = requests.post(f"{server.accounts_url}/api/token", data=form, auth=auth, timeout=30)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert consent(server, client_id="nobody").status_code == 400


def test_a_person_may_say_no(server):
    server.admin("POST /admin/faults", {"kind": "deny"})
    assert back(consent(server)) == {"error": "access_denied", "state": "s1"}
    assert "code" in back(consent(server))


def test_a_refresh_token_dies_six_months_after_consent_however_often_it_is_used(server, refreshed):
    token = exchange(server, back(consent(server))["code"]).json()["refresh_token"]
    server.admin("POST /admin/advance", {"seconds": 182 * DAY})
    assert refreshed(token).status_code == 200
    server.admin("POST /admin/advance", {"seconds": 2 * DAY})
    assert refreshed(token).json()["error"] == "invalid_grant"
    assert refreshed().status_code == 200  # the built-in one lives on


def test_the_built_in_token_can_be_given_an_end(server, refreshed):
    server.admin("POST /admin/tokens", {"refresh_days": 10})
    assert refreshed().status_code == 200
    server.admin("POST /admin/advance", {"seconds": 10 * DAY})
    assert refreshed().json()["error"] == "invalid_grant"


def test_revoked_tokens_are_answered_like_the_recorded_refusal(server, refreshed):
    server.admin("POST /admin/tokens", {"revoke": True})
    answer = refreshed()
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "Refresh token revoked"}
    server.admin("POST /admin/reset")
    assert refreshed().status_code == 200


def test_rotated_refresh_tokens_kill_their_predecessors(server, refreshed):
    server.admin("POST /admin/tokens", {"rotate": True})
    second = refreshed().json()["refresh_token"]
    assert refreshed().json()["error"] == "invalid_grant"
    third = refreshed(second).json()["refresh_token"]
    assert len({server.refresh_token, second, third}) == 3


def test_a_login_outlives_the_server(server, world):
    token = exchange(server, back(consent(server))["code"]).json()["refresh_token"]
    reopened = World(world.folder)
    with serve(reopened) as second:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        auth = (server.client_id, server.client_secret)
        assert requests.post(f"{second.accounts_url}/api/token", data=form, auth=auth, timeout=30).status_code == 200
    reopened.close()


def test_access_tokens_expire(server, get, refreshed):
    assert get("me").status_code == 200
    server.admin("POST /admin/tokens", {"expire_access": True})
    answer = get("me")
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "The access token expired")
    server.admin("POST /admin/tokens", {"access_seconds": 0})
    headers = {"Authorization": f"Bearer {refreshed().json()['access_token']}"}
    assert requests.get(f"{server.api_url}me", headers=headers, timeout=30).status_code == 401


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}])
def test_without_a_token_there_is_no_answer(server, header):
    assert requests.get(f"{server.api_url}me", headers=header, timeout=30).status_code == 401


def test_a_token_without_the_scope_may_not_read_plays(server):
    token = exchange(server, back(consent(server, scope=""))["code"]).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{server.api_url}me/player/recently-played", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]["message"]) == (403, "Insufficient client scope")


def test_client_credentials_know_music_but_no_listener(server, get):
    form = {"grant_type": "client_credentials"}
    auth = (server.client_id, server.client_secret)
    token = requests.post(f"{server.accounts_url}/api/token", data=form, auth=auth, timeout=30).json()
    assert "refresh_token" not in token
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    track_id = get.recent()[0]["track"]["id"]
    assert requests.get(f"{server.api_url}tracks/{track_id}", headers=headers, timeout=30).status_code == 200
    assert requests.get(f"{server.api_url}me", headers=headers, timeout=30).status_code == 401


def test_spotipys_own_login_works(server, tmp_path):
    class Login(spotipy.SpotifyOAuth):
        OAUTH_AUTHORIZE_URL = f"{server.accounts_url}/authorize"
        OAUTH_TOKEN_URL = f"{server.accounts_url}/api/token"

    cache = spotipy.CacheFileHandler(cache_path=str(tmp_path / "token"))
    login = Login(server.client_id, server.client_secret, CALLBACK, scope="user-read-recently-played",
                  cache_handler=cache, requests_session=requests.Session())  # fmt: skip
    landed = requests.get(login.get_authorize_url(state="x"), allow_redirects=False, timeout=30).headers["Location"]
    token = login.get_access_token(login.parse_response_code(landed), as_dict=False, check_cache=False)
    client = spotipy.Spotify(auth=token, requests_session=requests.Session())
    client.prefix = server.api_url
    assert client.current_user_recently_played()["items"]
    server.admin("POST /admin/tokens", {"revoke": True})
    with pytest.raises(spotipy.SpotifyOauthError, match="invalid_grant"):
        login.refresh_access_token(cache.get_cached_token()["refresh_token"])


def test_no_secret_is_in_the_log_of_requests(server, get, refreshed):
    code = back(consent(server))["code"]
    token = exchange(server, code).json()
    refreshed(token["refresh_token"])
    get("me")
    log = str(server.admin("GET /admin/requests"))
    assert "/api/token" in log
    for secret in (code, token["access_token"], token["refresh_token"], server.client_secret, server.refresh_token):
        assert secret not in log
