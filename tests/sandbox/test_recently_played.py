from datetime import datetime, timedelta

import pytest
import requests
import spotipy

from sandbox.play import millis
from sandbox.shapes import iso


def truth(world, count=50):
    recent = world.plays(world.now - timedelta(days=40))
    plays = sorted((p for p in recent if p.is_offerable), key=lambda p: -p.played_ms)
    return [p for p in plays if p.played_ms <= world.now_ms and p.arrived_ms <= world.now_ms][:count]


def stamps(items):
    return [item["played_at"] for item in items]


def test_the_last_fifty_plays_come_newest_first(world, get):
    assert stamps(get.recent()) == [iso(p.played_ms) for p in truth(world)]
    assert stamps(get.recent()) == sorted(stamps(get.recent()), reverse=True)


def test_twenty_plays_come_when_nothing_else_is_asked_for(get):
    body = get("me/player/recently-played").json()
    assert body["limit"] == 20
    assert len(body["items"]) == 20


@pytest.mark.parametrize("limit", ["0", "51", "-1", "many"])
def test_a_limit_outside_one_to_fifty_is_refused(get, limit):
    assert get("me/player/recently-played", limit=limit).status_code == 400


def test_after_and_before_are_exclusive_and_exclude_each_other(world, get):
    plays = truth(world)
    middle = plays[20].played_ms
    assert len(get.recent(after=middle)) == 20
    assert len(get.recent(before=middle)) == 29
    assert get("me/player/recently-played", after=middle, before=middle).status_code == 400


def test_nothing_lies_behind_the_fiftieth_play(world, get):
    page = get("me/player/recently-played", limit=50).json()
    behind = requests.get(page["next"], headers=get.headers, timeout=30).json()
    assert behind["items"] == []
    assert behind["cursors"] is None
    assert behind["next"] is None
    assert get.recent(before=millis(world.now - timedelta(days=30))) == []


def test_next_pages_lead_from_this_server_to_the_fiftieth_play(server, get):
    address, seen = f"{server.api_url}me/player/recently-played?limit=20", []
    while address:
        assert address.startswith(server.api_url)
        page = requests.get(address, headers=get.headers, timeout=30).json()
        seen += stamps(page["items"])
        address = page["next"]
    assert seen == stamps(get.recent())


def test_the_after_cursor_is_sometimes_a_millisecond_early(world, get):
    offsets = set()
    for _ in range(20):
        world.advance(timedelta(hours=3))
        body = get("me/player/recently-played").json()
        newest = max(millis(datetime.fromisoformat(stamp)) for stamp in stamps(body["items"]))
        offsets.add(newest - int(body["cursors"]["after"]))
    assert offsets == {0, 1}


def test_short_plays_podcasts_and_incognito_plays_never_appear(world, get):
    hidden = {iso(p.played_ms) for p in world.plays() if p.ms_played < 30_000 or p.incognito or p.kind == "episode"}
    seen = set()
    for _ in range(120):
        world.advance(timedelta(hours=6))
        seen |= set(stamps(get.recent()))
        hidden |= {
            iso(p.played_ms)
            for p in world.plays(world.now - timedelta(hours=7))
            if p.ms_played < 30_000 or p.incognito or p.kind == "episode"
        }
    assert len(seen) > 300
    assert len(hidden) > 100
    assert not seen & hidden


def test_polling_often_sees_every_play_that_is_offerable(world, get):
    start, seen = world.now, set()
    for _ in range(24 * 20):
        world.advance(timedelta(hours=1))
        seen |= set(stamps(get.recent()))
    wanted = {iso(p.played_ms) for p in world.plays(start, world.now - timedelta(days=5)) if p.is_offerable}
    assert wanted <= seen


def test_plays_without_a_connection_arrive_late_with_their_old_time(world, get):
    late = next(p for p in far_ahead(world) if p.offline and p.is_offerable and p.arrived_ms - p.played_ms > 60_000)
    world.advance(late.ended_at - world.now + timedelta(seconds=2))
    assert iso(late.played_ms) not in stamps(get.recent())
    world.advance(timedelta(milliseconds=late.arrived_ms - world.now_ms))
    assert iso(late.played_ms) in stamps(get.recent())


def far_ahead(world):
    now = world.now_ms
    world.advance(timedelta(days=60))
    plays = world.plays()
    world.store.set_meta({"now_ms": str(now)})
    return [p for p in plays if p.ended_ms > now]


def test_what_the_api_told_of_is_remembered(server, get):
    told = set(stamps(get.recent()))
    plays = server.admin("GET /admin/plays?from=2026-01-01T00:00:00Z")
    assert {p["played_at"] for p in plays if p["was_offered"]} == told
    assert {p["times_offered"] for p in plays if p["was_offered"]} == {1}


def test_a_play_added_by_hand_appears(server, get, world):
    track_id = get.recent()[0]["track"]["id"]
    added = server.admin("POST /admin/plays", {"track_id": track_id, "ended_at": iso(world.now_ms - 1000)})
    assert get.recent()[0]["played_at"] == added["played_at"]
    server.admin("POST /admin/plays", {"kind": "local", "item_id": "Me:Tape:Song:180", "name": "Song", "owner": "Me"})
    local = get.recent()[0]["track"]
    assert (local["id"], local["is_local"], local["uri"]) == (None, True, "spotify:local:Me:Tape:Song:180")


def test_time_stands_still_until_it_is_moved(server, get):
    before = get.recent()
    assert get.recent() == before
    server.admin("POST /admin/advance", {"seconds": 86_400 * 3})
    assert get.recent() != before


def test_spotipy_really_talks_to_it(spotify):
    page = spotify.current_user_recently_played(limit=50)
    assert len(page["items"]) == 50
    assert spotify.next(page)["items"] == []
    track = page["items"][0]["track"]
    assert spotify.track(track["id"])["external_ids"] == track["external_ids"]
    assert spotify.album(track["album"]["id"])["tracks"]["total"] >= 1
    assert spotify.artist(track["artists"][0]["id"])["name"] == track["artists"][0]["name"]
    assert len(spotify.me()["account_id"]) == 10
    with pytest.raises(spotipy.SpotifyException, match="Insufficient client scope"):
        spotify.currently_playing()
