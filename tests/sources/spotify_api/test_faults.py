"""What each bad answer does to a poll: never a lost row, never a call too many."""

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

RECENT = "/v1/me/player/recently-played"


def truth(place) -> list[tuple[datetime, str]]:
    plays = place.server.admin("GET /admin/plays")
    return sorted((datetime.fromisoformat(play["played_at"]), play["uri"]) for play in plays if play["was_offered"])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 503, "retry_after": 90_000}),
        ("html", {"status": 502}),
        pytest.param("html", {"status": 200}, marks=pytest.mark.long),
        ("cut", {"bytes": 100}),
        pytest.param("cut", {"bytes": -1}, marks=pytest.mark.long),
        ("broken_json", {}),
        pytest.param("slow", {"seconds": 1.5}, marks=pytest.mark.long),
        ("unauthorized", {}),
        ("rate_limit", {"retry_after": 7}),
    ],
)
def test_a_passing_fault_costs_a_request_and_nothing_else(place, kind, values):
    place.fault(kind, path=RECENT, times=1, **values)
    result = place.poll()
    assert (result.status, result.new_plays) == ("new", 50)
    assert place.keys() == truth(place)
    assert result.requests["recently-played"] == 2


@pytest.mark.parametrize(
    ("kind", "values", "status"),
    [
        ("status", {"status": 500}, 500),
        pytest.param("html", {"status": 502}, 502, marks=pytest.mark.long),
        ("html", {"status": 200}, 0),
        ("cut", {"bytes": 100}, 0),
        pytest.param("cut", {"bytes": -1}, 0, marks=pytest.mark.long),
        ("broken_json", {}, 0),
        pytest.param("slow", {"seconds": 1.3}, 0, marks=pytest.mark.long),
    ],
)
def test_a_lasting_fault_ends_the_poll_cleanly_and_the_next_one_catches_up(place, kind, values, status):
    place.poll()
    place.advance(hours=5)
    rule = place.fault(kind, path=RECENT, times=None, **values)
    place.forget_requests()
    result = place.poll()
    assert (result.status, result.new_plays) == ("no answer", 0)
    assert place.requests().count(RECENT) <= 3
    assert result.requests["recently-played"] == 3
    place.server.admin("DELETE /admin/faults", {"id": rule})
    place.poll()
    assert place.keys() == truth(place)
    assert status in [poll["status"] for poll in place.rows("polls")]


def test_a_broken_page_is_never_told_as_an_empty_one(place):
    place.fault("html", path=RECENT, times=None, status=200)
    place.poll()
    place.calm()
    place.poll()
    assert [(poll["status"], poll["item_count"]) for poll in place.rows("polls")] == [(0, 0), (200, 50)]


def test_no_content_is_a_quiet_poll_of_its_own_status(place):
    place.poll()
    place.fault("no_content", path=RECENT)
    assert place.poll().status == "quiet"
    place.advance(hours=5)
    place.poll()
    assert [poll["status"] for poll in place.rows("polls")] == [200, 204, 200]
    assert place.keys() == truth(place)


def test_a_short_rate_limit_is_waited_for_once(place):
    place.fault("rate_limit", path=RECENT, times=1, retry_after=7)
    place.poll()
    assert place.slept == [7.0]


def test_a_second_rate_limit_opens_the_circuit(place):
    place.fault("rate_limit", path=RECENT, times=2, retry_after=7)
    result = place.poll()
    assert result.status == "closed"
    assert result.not_before == place.clock() + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("kind", "values", "seconds"),
    [
        ("rate_limit", {"retry_after": 79_892}, 79_892),
        ("quota", {"retry_after": 3}, 3),
        ("quota", {"retry_after": None}, 3600),
    ],
)
def test_a_ban_is_obeyed_by_an_empty_machine_too(place, kind, values, seconds):
    place.fault(kind, path=RECENT, times=1, **values)
    result = place.poll()
    assert result.status == "closed"
    assert result.loaded
    assert result.not_before == place.clock() + timedelta(seconds=seconds)
    assert place.slept == []
    place.empty_machine()
    place.forget_requests()
    again = place.poll()
    assert (again.status, again.not_before, again.requests) == ("closed", result.not_before, {})
    assert place.requests() == []
    place.advance(seconds=seconds)
    assert place.poll().status == "new"
    assert place.keys() == truth(place)


def test_bans_in_a_row_that_name_no_time_double_up_to_a_day(place):
    place.fault("quota", path=RECENT, times=None, retry_after=None)
    waits = []
    for _ in range(7):
        result = place.poll()
        waits.append((result.not_before - place.clock()) / timedelta(hours=1))
        place.advance(seconds=(result.not_before - place.clock()).total_seconds())
    assert waits == [1, 2, 4, 8, 16, 24, 24]


def test_a_ban_that_was_written_under_a_wrong_clock_ends(place):
    clock = place.clock
    place.poll()
    place.clock = lambda: clock() + timedelta(days=365)
    rule = place.fault("rate_limit", path=RECENT, times=None, retry_after=9000)
    assert place.poll().status == "closed"
    place.clock = clock
    result = place.poll()
    assert (result.status, result.not_before) == ("closed", clock() + timedelta(seconds=9000))
    assert place.poll().requests == {}
    place.server.admin("DELETE /admin/faults", {"id": rule})
    place.empty_machine()
    assert place.poll().requests == {}
    place.advance(seconds=9000)
    assert place.poll().status != "closed"


def test_a_poll_under_a_wrong_clock_has_the_time_of_the_answer(place):
    clock, times = place.clock, []
    for ahead in (0, 365, 0, -365, 0):
        place.clock = lambda ahead=ahead: clock() + timedelta(days=ahead)
        place.poll()
        times.append(clock())
        place.advance(hours=2)
    place.clock = clock
    place.advance(days=1)
    place.poll()
    assert sorted(poll["polled_at"] for poll in place.rows("polls"))[:5] == times


def test_a_ban_of_the_accounts_service_counts_as_well(place):
    place.fault("rate_limit", path="/api/token", times=1, retry_after=5000)
    assert place.poll().status == "closed"
    place.forget_requests()
    assert place.poll().requests == {}
    assert place.requests() == []


def test_a_dead_access_token_is_refreshed_once(place):
    place.poll()
    place.server.admin("POST /admin/tokens", {"expire_access": True})
    result = place.poll()
    assert (result.status, result.requests) == ("quiet", {"recently-played": 2, "token": 1})


def test_a_token_that_is_refused_for_ever_is_not_asked_about_for_ever(place):
    place.fault("unauthorized", times=None)
    result = place.poll()
    assert result.status == "refused"
    assert sum(result.requests.values()) <= 6


def test_an_accounts_service_that_is_down_costs_the_poll_alone(place):
    place.fault("status", path="/api/token", times=None, status=503)
    assert place.poll().status == "no answer"
    place.calm()
    assert place.poll().new_plays == 50


def test_an_api_that_stays_away_is_told_once_plays_may_be_lost(place):
    place.poll()
    since = place.clock()
    place.fault("status", status=502, path=RECENT, times=None)
    place.advance(minutes=100)
    assert (place.poll().status, place.poll().problem) == ("no answer", None)
    place.advance(minutes=30)
    assert f"no page since {since:%Y-%m-%d %H:%M}" in str(place.poll().problem)
    place.calm()
    assert place.poll().problem is None


def test_an_api_that_never_answered_is_told_by_the_second_poll(place):
    place.fault("status", status=502, times=None)
    assert place.poll().problem is None
    assert "no page since the first poll" in str(place.poll().problem)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_accounts_service_that_refuses_in_another_word_is_told_at_once(place, status):
    place.fault("status", status=status, path="/api/token", times=None)
    result = place.poll()
    assert result.status == "refused"
    assert f"gives no access token ({status}" in str(result.problem)


def test_a_lapsed_subscription_is_told_to_the_person(place):
    place.fault("status", path=RECENT, times=None, status=403)
    result = place.poll()
    assert result.status == "refused"
    assert "Premium" in str(result.problem)


def test_nothing_listens_at_the_address(place):
    place.server.stop()
    started = time.monotonic()
    assert place.poll().status == "no answer"
    assert time.monotonic() - started < 10


def test_a_dead_login_is_discarded_and_never_used_again(place):
    place.poll()
    place.server.admin("POST /admin/tokens", {"revoke": True, "expire_access": True})
    result = place.poll()
    assert result.status == "login needed"
    assert "run.py login" in str(result.problem)
    place.forget_requests()
    again = place.poll()
    assert (again.status, again.requests) == ("login needed", {})
    assert place.requests() == []


def test_a_dead_login_is_told_where_no_token_file_can_be_written(place, caplog):
    place.connection = replace(place.connection, token_folder=Path("/proc/no-tokens"))
    place.given("AQ-nobody-knows-this-token")
    assert place.poll().status == "login needed"
    assert "cannot be written" in caplog.text


def test_a_new_token_in_the_settings_wins_over_a_dead_one(place):
    place.given("AQ-nobody-knows-this-token")
    assert place.poll().status == "login needed"
    place.given(place.server.refresh_token)
    assert place.poll().status == "new"


def test_a_wrong_app_secret_names_the_settings(place):
    app = replace(place.connection.app, client_secret="not-the-secret")
    place.connection = replace(place.connection, app=app)
    result = place.poll()
    assert result.status == "refused"
    assert "SOURCES__SPOTIFY_API__CLIENT_SECRET" in str(result.problem)
    assert result.problem.exit_code == 2


def test_rotated_tokens_are_kept(place):
    place.server.admin("POST /admin/tokens", {"rotate": True})
    for _ in range(4):
        place.server.admin("POST /admin/tokens", {"expire_access": True})
        assert place.poll().problem is None
    (file,) = (place.root / "tokens").iterdir()
    assert json.loads(file.read_text())["refresh_token"] != place.server.refresh_token


def test_the_budget_of_a_day_is_never_exceeded_and_told_when_it_is_spent(place, caplog):
    statuses = [place.poll(daily_budget=5).status for _ in range(8)]
    assert statuses[0] == "new"
    assert statuses[-1] == "budget spent"
    assert "SOURCES__SPOTIFY_API__DAILY_BUDGET" in caplog.text
    spent = [path for path in place.requests() if path.startswith("/v1")]
    assert len(spent) == 5
    place.advance(hours=24)
    assert place.poll(daily_budget=5).status == "new"


def test_two_days_budgets_do_not_meet_at_midnight(place):
    place.advance(seconds=(place.clock().replace(hour=23, minute=44) - place.clock()).total_seconds())
    unknown = [("tracks", f"{number:022d}") for number in range(700)]
    for _ in range(4):
        place.poll(fetch_limit=10**6, wanted=iter(unknown), daily_budget=200)
        place.advance(minutes=15)
    sent = [path for path in place.requests() if path.startswith("/v1/")]
    assert 190 < len(sent) <= 200 + 2
    place.advance(hours=22)
    assert place.poll(fetch_limit=10**6, wanted=iter(unknown), daily_budget=200).fetched > 150


def test_failed_requests_count_too(place):
    place.fault("status", path="/v1/", times=None, status=500)
    for _ in range(5):
        place.poll(daily_budget=7)
    assert len([path for path in place.requests() if path.startswith("/v1")]) == 7


def test_requests_are_counted_by_day_and_endpoint(place):
    place.poll()
    place.advance(hours=24)
    place.poll()
    first, second = place.journal().memory.requests.values()
    assert first == {"token": 1, "me": 1, "recently-played": 1}
    assert second == {"token": 1, "recently-played": 1}
