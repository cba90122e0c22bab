import time
from datetime import datetime, timedelta

import pytest
import requests
import spotipy

from sandbox.faults import HISTORY, TRANSPORT, Faults
from sandbox.play import millis
from sandbox.shapes import iso

RECENT = "me/player/recently-played"


def on(server, kind, **values):
    return server.admin("POST /admin/faults", {"kind": kind, **values})


def keys(items):
    return [(item["played_at"], item["track"]["uri"]) for item in items]


def offered(server):
    return [p for p in server.admin("GET /admin/plays?from=2026-02-01") if p["was_offered"]]


def test_too_many_requests_say_how_long_to_wait_and_pass(server, get):
    on(server, "rate_limit", retry_after=1, times=2)
    answers = [get(RECENT) for _ in range(3)]
    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[0].json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}


def test_a_long_wait_is_told_as_well(server, get):
    on(server, "rate_limit", retry_after=86_400)
    assert get(RECENT).headers["Retry-After"] == "86400"


def test_an_exceeded_quota_has_its_own_reason(server, get):
    on(server, "quota", times=None)
    answer = get(RECENT)
    assert answer.json()["error"] == {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}
    assert answer.headers["Retry-After"] == "79892"
    assert get("me").status_code == 429
    server.admin("DELETE /admin/faults")
    on(server, "quota", retry_after=None)
    assert "Retry-After" not in get(RECENT).headers


@pytest.mark.parametrize("status", [500, 502, 503, 504, 403])
def test_errors_of_any_status_can_be_made(server, get, status):
    on(server, "status", status=status, message="Oops", path="/v1/me/player")
    assert get("me").status_code == 200
    assert get(RECENT).json() == {"error": {"status": status, "message": "Oops"}}
    assert get(RECENT).status_code == 200


def test_a_token_may_expire_in_the_middle(server, get, refreshed):
    on(server, "unauthorized", skip=1)
    assert [get("me").status_code for _ in range(3)] == [200, 401, 200]


def test_token_death_is_answered_as_recorded(server, refreshed):
    on(server, "invalid_grant")
    assert refreshed().json() == {"error": "invalid_grant", "error_description": "Refresh token revoked"}
    assert refreshed().status_code == 200


def test_broken_json_is_half_an_answer_with_status_200(server, get):
    on(server, "broken_json")
    answer = get(RECENT)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert offered(server) == []


@pytest.mark.parametrize("status", [502, 200])
def test_html_instead_of_json(server, get, status):
    on(server, "html", status=status)
    answer = get(RECENT)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert offered(server) == []


def test_no_content(server, get):
    on(server, "no_content")
    answer = get(RECENT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert offered(server) == []


@pytest.mark.parametrize("length", [100, 0, -1])
def test_a_cut_connection_offers_nothing(server, get, length):
    on(server, "cut", bytes=length)
    with pytest.raises(requests.RequestException):
        get(RECENT)
    assert offered(server) == []
    assert get(RECENT).status_code == 200


def test_a_slow_answer_is_right_for_who_waits(server, get):
    on(server, "slow", seconds=0.6)
    start = time.monotonic()
    assert len(get.recent()) == 50
    assert time.monotonic() - start > 0.55
    assert len(offered(server)) == 50


def test_a_slow_answer_offers_nothing_to_who_left(server, get):
    on(server, "slow", seconds=0.6)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.api_url}{RECENT}", headers=get.headers, timeout=0.2)
    time.sleep(0.8)
    assert offered(server) == []


def test_a_fault_may_fall_by_chance_and_the_same_way_each_time():
    def falls():
        faults = Faults()
        faults.add("status", times=None, share=0.3)
        return [faults.take("/v1/me") is not None for _ in range(300)]

    assert falls() == falls()
    assert 60 < sum(falls()) < 120


def test_faults_can_be_listed_and_switched_off_one_by_one(server, get):
    first = on(server, "status", times=None)
    on(server, "html", times=None, path="/v1/me/player")
    assert [fault["kind"] for fault in server.admin("GET /admin/faults")] == ["status", "html"]
    server.admin(f"DELETE /admin/faults?id={first['id']}")
    assert get("me").status_code == 200
    assert get(RECENT).status_code == 502
    server.admin("DELETE /admin/faults")
    assert get(RECENT).status_code == 200


def test_an_unknown_fault_is_refused_with_the_list_of_those_there_are(server):
    answer = requests.post(f"{server.url}/admin/faults", json={"kind": "earthquake"}, timeout=30)
    assert answer.status_code == 400
    for kind in (*TRANSPORT, *HISTORY):
        assert kind in answer.json()["error"]["message"]


def test_spotipy_sees_the_true_status_through_a_plain_session(server, spotify):
    on(server, "status", status=503)
    with pytest.raises(spotipy.SpotifyException) as caught:
        spotify.current_user_recently_played()
    assert caught.value.http_status == 503
    on(server, "rate_limit", retry_after=9)
    with pytest.raises(spotipy.SpotifyException) as caught:
        spotify.current_user_recently_played()
    assert (caught.value.http_status, caught.value.headers["Retry-After"]) == (429, "9")


def polled(server, get, hours, every=1):
    seen = {}
    for _ in range(hours // every):
        server.admin("POST /admin/advance", {"seconds": 3600 * every})
        for position, key in enumerate(keys(get.recent())):
            seen.setdefault(key, position)
    return seen


def since(world, start, until=None):
    plays = world.plays(start, until)
    return {(iso(p.played_ms), p.uri) for p in plays if p.is_offerable}


def test_late_plays_come_later_behind_newer_ones_and_none_is_lost(server, get, world):
    start = world.now
    get.recent()
    on(server, "late", share=0.5, seconds=6 * 3600, **{"from": iso(world.now_ms)})
    seen = polled(server, get, 24 * 6)
    settled = world.now - timedelta(hours=7)
    plays = [p for p in world.plays(start, settled) if p.is_offerable and not p.offline]
    assert {(iso(p.played_ms), p.uri) for p in plays} <= set(seen)
    behind = [key for key in seen if key in since(world, start) and seen[key] > 0]
    assert behind


def test_doubled_plays_are_told_twice_at_the_offset(server, get, world):
    plain = keys(get.recent())
    on(server, "duplicate", share=1.0, offset_ms=0)
    doubled = keys(get.recent())
    assert doubled == [key for key in plain[:25] for _ in range(2)]
    server.admin("DELETE /admin/faults")
    on(server, "duplicate", share=1.0, offset_ms=1500)
    stamps = [millis(datetime.fromisoformat(stamp)) for stamp, _ in keys(get.recent())]
    assert len(stamps) == 50
    assert sum(1 for stamp in stamps if stamp - 1500 in stamps) == 25


def test_vanished_plays_were_told_before_or_never(server, get, world):
    first = keys(get.recent())
    on(server, "vanish", share=0.4, after_seconds=0)
    kept = keys(get.recent())
    gone = [key for key in first if key not in kept]
    assert 8 < len(gone) < 35
    server.admin("DELETE /admin/faults")
    on(server, "vanish", share=1.0, after_seconds=3600 * 24 * 365)
    assert keys(get.recent()) == first


def test_frozen_hours_show_nothing_new_and_then_everything(server, get, world):
    before = keys(get.recent())
    start = world.now
    on(server, "frozen", seconds=3600 * 30)
    for _ in range(5):
        server.admin("POST /admin/advance", {"seconds": 3600 * 5})
        assert keys(get.recent()) == before
    server.admin("POST /admin/advance", {"seconds": 3600 * 5 + 1})
    after = keys(get.recent())
    fresh = since(world, start, world.now - timedelta(seconds=2))
    assert fresh
    assert set(sorted(fresh, reverse=True)[:50]) <= set(after)


def test_frozen_hours_may_be_lost_for_ever(server, get, world):
    start = world.now
    on(server, "frozen", seconds=3600 * 40, backfill=False)
    thaw = start + timedelta(hours=40)
    seen = polled(server, get, 24 * 4, every=2)
    assert not since(world, start, thaw - timedelta(seconds=5)) & set(seen)
    assert since(world, thaw, world.now - timedelta(hours=8)) & set(seen)


def test_a_page_may_be_out_of_order(server, get):
    plain = keys(get.recent())
    on(server, "out_of_order", share=0.5)
    mixed = keys(get.recent())
    assert mixed != plain
    assert sorted(mixed) == sorted(plain)
    assert keys(get.recent()) == mixed


def test_reset_takes_everything_back(server, get, world):
    before, now = keys(get.recent()), world.now
    on(server, "frozen", seconds=10)
    server.admin("POST /admin/plays", {"kind": "local", "item_id": "a:b:c:1"})
    server.admin("POST /admin/mode", {"quota": "extended"})
    server.admin("POST /admin/advance", {"seconds": 86_400 * 40})
    server.admin("POST /admin/reset")
    assert world.now == now
    assert server.admin("GET /admin/faults") == []
    assert offered(server) == []
    assert get("me").status_code == 401  # tokens are forgotten, too
    answer = requests.post(
        f"{server.accounts_url}/api/token",
        data={"grant_type": "refresh_token", "refresh_token": server.refresh_token},
        auth=(server.client_id, server.client_secret),
        timeout=30,
    )
    get.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert keys(get.recent()) == before
