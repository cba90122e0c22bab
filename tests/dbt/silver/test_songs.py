"""Recordings, names without ids, and a row for every id that a feed ever told."""

import json
from typing import Any

import pytest

from tests.dbt.silver.feeds import payload
from tests.dbt.silver.lake import Lake, at
from tests.dbt.silver.life import Track
from tests.dbt.silver.test_observations import file, streams

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

FULL = "2026-01-01T10:00:00"


def played(track: Track, time: str = FULL, **more: Any) -> dict[str, Any]:
    told = payload(track) | more
    return {
        "poll_id": "p", "offered_at": at("2026-03-02"), "played_at": at(time), "track_id": track.track_id,
        "track_uri": f"spotify:track:{track.track_id}", "payload": json.dumps({"track": told}),
    }  # fmt: skip


def track(number: int, title: str, isrc: str = "", duration_ms: int = 200_000, artist: str = "Ana") -> Track:
    return Track(f"t{number}".ljust(22, "0"), "", title, artist, "Album", artist, isrc, duration_ms)


def recordings(lake: Lake, *tracks: Track) -> list[str]:
    lake.add("spotify_api__plays", [played(t) for t in tracks])
    lake.build()
    return [row[0] for row in lake.query("select recording_id from silver.int_recordings order by track_id")]


def test_versions_with_one_isrc_are_one_recording(lake: Lake) -> None:
    found = recordings(
        lake, track(1, "Song", "GB-ABC-1"), track(2, "Song (Deluxe Version)", "gbabc1"), track(3, "Song", "GBABC2")
    )
    assert found == ["isrc:GBABC1", "isrc:GBABC1", "isrc:GBABC2"]


def test_without_an_isrc_name_and_length_decide(lake: Lake) -> None:
    found = recordings(
        lake, track(1, "Song"), track(2, "SONG - 2011 Remaster", duration_ms=201_900), track(3, "Song", duration_ms=210_000),
        track(4, "Song - Live"), track(5, "Song", artist="Bo"),
    )  # fmt: skip
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_a_track_without_an_isrc_joins_the_only_isrc_of_its_name_and_length(lake: Lake) -> None:
    assert recordings(lake, track(1, "Song"), track(2, "Song", "X1")) == ["isrc:X1", "isrc:X1"]


def test_titles_in_every_script_stay_apart(lake: Lake) -> None:
    titles = [
        "Été",
        "ete",
        "雨",
        "千本桜",
        "Снег",
        "Песня",
        "???",
        "!!!",
        "กิน",
        "กัน",
        "कि",
        "कु",
        "が",
        "か",
        "Мой",
        "Мои",
    ]
    found = recordings(lake, *(track(n, title) for n, title in enumerate(titles, start=100)))
    assert found[0] == found[1]
    assert len(set(found)) == len(titles) - 1


def test_names_without_ids_find_the_known_track(lake: Lake) -> None:
    one = track(1, "Déjà Vu (feat. Bo)", artist="Beyoncé")
    lake.add("spotify_api__plays", [played(one)])
    lake.add("spotify_export__files", [file("c", "account")])
    names = [("BEYONCE", "deja vu"), ("Beyoncé feat. Bo", "Déjà Vu"), ("Nobody", "Nothing")]
    lake.add("spotify_export__account_streams", [
        {"file_id": "c", "row_number": n, "end_time": f"2026-02-0{n} 10:00", "artist_name": artist, "track_name": title, "ms_played": 99_000}
        for n, (artist, title) in enumerate(names, 1)
    ])  # fmt: skip
    lake.build()
    rows = lake.query(
        "select track_id, track_name, artist_id from silver.int_plays_unified where source = 'account' order by ended_at"
    )
    known = (one.track_id, one.title, "id of Beyoncé")
    assert rows == [known, known, (None, "Nothing", None)]


def test_every_id_that_a_feed_tells_has_a_row(lake: Lake) -> None:
    lake.add(
        "catalog__extracts",
        [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_albums", "spotify_artists")],
    )
    lake.add(
        "catalog__spotify_tracks",
        [{"track_id": "cat", "name": "C", "album_id": "b1", "artists_id": "['a1', 'a2']", "popularity": 7}],
    )
    lake.add("catalog__spotify_albums", [{"album_id": "b2", "artist_id": "a3", "release_date": "1999"}])
    lake.add("spotify_api__plays", [played(track(1, "Song"))])
    lake.add(
        "spotify_api__artists",
        [{"id": "a9", "status": 200, "payload": '{"name": "Nine", "genres": ["pop"]}', "fetched_at": at(FULL)}],
    )
    lake.add("spotify_export__files", [file("a")])
    lake.add(
        "spotify_export__streams",
        streams("a", {"ts": FULL, "spotify_track_uri": "spotify:track:ext", "master_metadata_track_name": "E"}),
    )
    lake.build()
    assert {row[0] for row in lake.query("select track_id from silver.int_tracks")} == {
        "cat",
        "ext",
        track(1, "").track_id,
    }
    assert {row[0] for row in lake.query("select album_id from silver.int_albums")} == {"b1", "b2", "id of Album"}
    assert dict(lake.query("select artist_id, artist_name from silver.int_artists")) == {
        "a1": None, "a2": None, "a3": None, "a9": "Nine", "id of Ana": "Ana",
    }  # fmt: skip
    assert lake.query("select artist_ids, artist_id, popularity from silver.int_tracks where track_id = 'cat'") == [
        (["a1", "a2"], "a1", 7)
    ]


def test_a_name_that_a_narrow_column_cut_off_is_told_whole(lake: Lake) -> None:
    one = track(1, "x" * 140)
    lake.add("spotify_api__plays", [played(one)])
    lake.add("catalog__extracts", [{"table_name": "spotify_tracks", "is_complete": True}])
    lake.add("catalog__spotify_tracks", [{"track_id": one.track_id, "name": "x" * 128, "artists_id": "['id of A"}])
    lake.build()
    assert lake.query("select track_name, artist_ids from silver.int_tracks") == [("x" * 140, ["id of Ana"])]


def test_the_table_of_the_old_tutorial_keeps_the_time(lake: Lake) -> None:
    one = track(1, "Song")
    lake.add("spotify_api__plays", [played(one), played(one, "2026-01-01T12:00:00")])
    lake.build()
    rows = lake.query("select track_unique_id, name, type, duration_ms from silver.my_tracks order by played_at")
    assert rows == [
        (one.track_id + "2026-01-01T10:00:00.000Z", "Song", "track", 200_000),
        (one.track_id + "2026-01-01T12:00:00.000Z", "Song", "track", 200_000),
    ]
