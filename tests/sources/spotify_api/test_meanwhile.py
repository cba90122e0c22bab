"""A login, or a run of another profile, while a run is at work: the token file keeps the consent that lives."""

import threading
import time
from dataclasses import replace
from itertools import count

from sources.spotify_api.accounts import Accounts
from sources.spotify_api.token_store import Grant, TokenStore


def expire(place) -> None:
    place.server.admin("POST /admin/tokens", {"expire_access": True})


def test_a_login_while_a_run_is_at_work_is_not_written_over(place):
    place.given(None)
    old = place.log_in()
    asked = count()
    new = []

    def is_over() -> bool:  # asked before each object
        if not new:
            new.append(place.log_in())
            expire(place)
        return next(asked) > 3

    result = place.poll(should_stop=is_over)
    assert result.problem is None
    kept = place.connection.store.load(place.clock())
    assert (kept.lineage, kept.authorized_at) == (new[0].lineage, new[0].authorized_at)
    assert kept.lineage != old.lineage
    assert result.fetched > 1


class _Slow(TokenStore):
    """A disk that takes its time: whoever looks meanwhile sees the file of before."""

    def save(self, grant: Grant) -> None:
        time.sleep(0.5)
        super().save(grant)


def test_two_profiles_that_refresh_at_once_keep_the_login_alive(place):
    place.server.admin("POST /admin/tokens", {"rotate": True})
    place.given(None)
    grant = place.log_in()
    app, folder = place.connection.app, place.connection.token_folder
    failed = []

    def refresh() -> None:
        store = _Slow(app.accounts_url, app.client_id, None, folder)
        try:
            Accounts(app, store, place.http).refresh(grant, place.clock())
        except Exception as error:
            failed.append(error)

    runs = [threading.Thread(target=refresh) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert failed == []
    expire(place)
    assert place.poll().problem is None


def test_a_login_waits_for_a_run_that_refreshes(place):
    place.given(None)
    grant = place.log_in()
    store = place.connection.store
    with store.held():
        login = threading.Thread(target=place.log_in)
        login.start()
        time.sleep(0.3)
        store.save(replace(grant, access_token="of the run"))
    login.join()
    assert store.load(place.clock()).lineage != grant.lineage


def test_a_login_of_another_listener_while_a_poll_waits_brings_no_plays(place):
    place.given(None)
    grant = place.log_in()
    journal = place.journal()
    journal.memory.account = {"id": "the first listener", "lineage": grant.lineage}
    journal.start_over(journal.memory)
    place.fault("rate_limit", path="/v1/me/player", times=1, retry_after=7)

    def wait(_: float) -> None:
        place.log_in()
        expire(place)

    place.http = replace(place.http, sleep=wait)
    result = place.poll()
    assert result.status == "refused"
    assert "another listener" in str(result.problem)
    assert (result.new_plays, place.rows("plays")) == (0, [])
