"""Fetching tracks, albums, artists and audio features one by one, within the budget."""

import json
from collections import Counter
from datetime import timedelta

from sources.problem import Problem


def gets(place) -> Counter[str]:
    return Counter(path for path in place.requests() if path.startswith("/v1/") and "/me" not in path)


def mates(place, table: str) -> dict[str, dict]:
    return {row["id"]: row for row in place.rows(table)}


def test_a_page_brings_its_tracks_for_nothing_and_their_albums_and_artists_for_one_get_each(place):
    place.poll(fetch_limit=1000, daily_budget=10_000)
    page = [json.loads(row["payload"])["track"] for row in place.rows("plays") if row["track_id"]]
    assert len(page) > len({track["id"] for track in page})
    assert sorted(row["id"] for row in place.rows("tracks")) == sorted({track["id"] for track in page})
    assert set(mates(place, "albums")) == {track["album"]["id"] for track in page}
    assert set(mates(place, "artists")) == {artist["id"] for track in page for artist in track["artists"]}
    assert not any(path.startswith("/v1/tracks") for path in gets(place))
    assert max(gets(place).values()) == 1


def test_a_track_of_a_page_is_the_track_that_the_api_gives_alone(place):
    place.poll()
    row = place.rows("tracks")[0]
    from sources.spotify_api.accounts import Accounts
    from sources.spotify_api.client import Client

    connection = place.connection
    grant = connection.store.load(place.clock())
    accounts = Accounts(connection.app, connection.store, place.http)
    client = Client(connection.api_url, accounts, grant, admit=lambda _: None, now=place.clock, options=place.http)
    alone = client.fetch("tracks", row["id"]).body
    assert json.loads(row["payload"]) == alone


def test_removed_fields_are_absent_and_no_error(place):
    place.poll(fetch_limit=40, daily_budget=10_000)
    artist = json.loads(place.rows("artists")[0]["payload"])
    assert "popularity" not in artist
    assert "followers" not in artist


def test_wanted_ids_are_fetched_in_their_order_once_and_go_on_where_the_last_run_stopped(place, world):
    place.poll()
    tracks = [("tracks", track.track_id) for track in world.store.tracks()][:30]
    have = {("tracks", key) for key in mates(place, "tracks")}
    place.forget_requests()
    for _ in range(4):
        place.poll(wanted=iter(tracks), fetch_limit=10, daily_budget=10_000)
    asked = [path.rsplit("/", 1)[1] for path in place.requests() if path.startswith("/v1/tracks")]
    assert asked == [key for kind, key in tracks if (kind, key) not in have]
    assert set(mates(place, "tracks")) >= {key for _, key in tracks}


class AllButArtists(frozenset):
    """Objects that a lake holds."""

    def __contains__(self, pair: object) -> bool:
        return pair[0] != "artists"


def test_what_bronze_holds_is_not_asked_for(place):
    place.poll(fetched=AllButArtists, fetch_limit=1000, daily_budget=10_000)
    assert {path.split("/")[2] for path in gets(place)} == {"artists"}
    assert place.rows("tracks") == place.rows("albums") == []


def test_plays_are_kept_where_bronze_cannot_be_asked_what_to_fetch(place):
    def unreadable():
        raise Problem("The lake cannot be read.")

    result = place.poll(fetched=unreadable, fetch_limit=10)
    assert (result.status, result.loaded, str(result.problem)) == ("new", True, "The lake cannot be read.")
    assert len(place.rows("plays")) == result.new_plays > 0


def test_an_id_that_the_api_does_not_know_is_remembered_with_its_status(place):
    wanted = [("tracks", "0" * 22), ("albums", "not an id"), ("artists", "1" * 22)]
    place.poll()
    place.poll(wanted=wanted, fetch_limit=10, daily_budget=10_000)
    place.forget_requests()
    place.poll(wanted=wanted, fetch_limit=10, daily_budget=10_000)
    assert not gets(place)
    assert mates(place, "tracks")["0" * 22]["status"] == 404
    assert mates(place, "albums")["not an id"]["status"] == 400
    assert mates(place, "artists")["1" * 22]["payload"] is None


def test_audio_features_are_asked_for_once_a_month_where_they_are_refused(place):
    place.poll(fetch_limit=500, daily_budget=10_000)
    assert sum("audio-features" in path for path in place.requests()) == 1
    place.advance(hours=8)
    place.poll(fetch_limit=500, daily_budget=10_000)
    assert sum("audio-features" in path for path in place.requests()) == 1
    place.advance(days=31)
    place.poll(fetch_limit=500, daily_budget=10_000)
    assert sum("audio-features" in path for path in place.requests()) == 2
    assert place.rows("audio_features") == []


def test_an_app_with_extended_quota_gets_audio_features_and_popularity(place):
    place.server.admin("POST /admin/mode", {"quota": "extended"})
    place.poll(fetch_limit=500, daily_budget=10_000)
    features = json.loads(place.rows("audio_features")[0]["payload"])
    assert 0 <= features["energy"] <= 1
    assert "popularity" in json.loads(place.rows("artists")[0]["payload"])
    assert set(mates(place, "audio_features")) == set(mates(place, "tracks"))


def test_polls_of_the_day_come_before_enrichment(place, world):
    wanted = [("tracks", track.track_id) for track in world.store.tracks()]
    place.poll(wanted=wanted, fetch_limit=1000, daily_budget=60, poll_every=timedelta(minutes=10))
    # half past six in the evening: 33 polls of ten minutes until midnight, and a tenth more
    spent = place.journal().memory.spent(place.clock().strftime("%Y-%m-%d"))
    assert spent == 60 - 37
    for _ in range(33):
        place.advance(minutes=10)
        if place.clock().hour == 0:
            break
        assert place.poll(wanted=wanted, daily_budget=60, poll_every=timedelta(minutes=10)).status in ("new", "quiet")


def test_a_ban_while_fetching_keeps_what_was_fetched(place, world):
    place.poll()
    wanted = [("artists", artist.artist_id) for artist in world.store.artists()][:20]
    place.fault("quota", path="/v1/artists", skip=5, retry_after=50_000)
    result = place.poll(wanted=wanted, fetch_limit=100, daily_budget=10_000)
    assert (result.status, result.fetched) == ("quiet", 5)
    assert result.not_before == place.clock() + timedelta(seconds=50_000)
    assert result.loaded
    assert len(place.rows("artists")) == 5
    place.forget_requests()
    assert place.poll(wanted=wanted).status == "closed"
    assert place.requests() == []


def test_an_api_that_breaks_while_fetching_is_left_alone_after_three_ids(place, world):
    place.poll()
    wanted = [("artists", artist.artist_id) for artist in world.store.artists()][:20]
    place.fault("status", path="/v1/artists", times=None, status=500)
    place.forget_requests()
    assert place.poll(wanted=wanted, fetch_limit=100, daily_budget=10_000).fetched == 0
    assert len(gets(place)) == 3
    place.calm()
    assert place.poll(wanted=wanted, fetch_limit=100, daily_budget=10_000).fetched == 20


def test_a_request_to_stop_ends_the_fetching(place, world):
    wanted = [("artists", artist.artist_id) for artist in world.store.artists()]
    place.poll()
    answers = iter([False, False, False, True])
    result = place.poll(wanted=wanted, fetch_limit=100, daily_budget=10_000, should_stop=lambda: next(answers, True))
    assert result.fetched == 2
    assert len(place.rows("artists")) == 2
