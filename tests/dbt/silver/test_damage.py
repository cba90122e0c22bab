"""What a source tells wrongly stops no build: lengths that are none, characters that no text holds, unreadable answers."""

import json
from typing import Any

import pytest

from pipelines import build
from sources.spotify_export.scrobbles import LONGEST_PLAY_MS
from tests.dbt.macro import expression
from tests.dbt.silver.lake import Lake, at
from tests.dbt.silver.life import Track
from tests.dbt.silver.test_observations import file
from tests.dbt.silver.test_songs import FULL, played, track

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

ONE = track(1, "Song")
HALF = json.dumps({"track": {"name": "Song \ud83d"}})
LENGTHS = {
    -5: None,
    0: None,
    1: 1,
    LONGEST_PLAY_MS: LONGEST_PLAY_MS,
    LONGEST_PLAY_MS + 1: None,
    10**15: None,
    9 * 10**18: None,
}


def catalog_track(of: Track, **more: Any) -> dict[str, Any]:
    return {"track_id": of.track_id, "name": of.title, "artists_id": f"['id of {of.artist}']"} | more


def test_the_longest_play_of_silver_is_that_of_imports() -> None:
    assert int(expression("literals.sql", "longest_ms")) == LONGEST_PLAY_MS


def test_a_length_that_is_none_is_unknown_whoever_tells_it(lake: Lake) -> None:
    tracks = {length: track(number, f"Song {number}") for number, length in enumerate(LENGTHS, start=100)}
    features = track(200, "Features")
    lake.add("spotify_api__plays", [played(one, duration_ms=length) for length, one in tracks.items()])
    lake.add("catalog__extracts", [{"table_name": "spotify_tracks", "is_complete": True}])
    lake.add("catalog__spotify_tracks", [catalog_track(one, duration_ms=length) for length, one in tracks.items()])
    payload = json.dumps({"duration_ms": 9e18})
    lake.add("spotify_api__audio_features", [{"id": features.track_id, "status": 200, "payload": payload}])
    lake.add("spotify_export__files", [file("l", "listenbrainz", "unknown")])
    listen = {"file_id": "l", "listened_at": at("2026-02-01"), "artist_name": "A", "track_name": "T"}
    lake.add(
        "spotify_export__listenbrainz_listens",
        [listen | {"row_number": n, "duration_ms": length} for n, length in enumerate(LENGTHS)],
    )
    lake.build()
    for model in ("stg_catalog__tracks", "stg_spotify_api__plays"):
        found = dict(lake.query(f"select track_id, duration_ms from silver.{model}"))
        assert found == {tracks[length].track_id: known for length, known in LENGTHS.items()}, model
    assert lake.query("select duration_ms from silver.stg_spotify_api__audio_features") == [(None,)]
    listens = "select duration_ms from silver.stg_spotify_export__listenbrainz_listens order by row_number"
    assert [length for (length,) in lake.query(listens)] == list(LENGTHS.values())
    heard = dict(lake.query("select track_id, ms_played from silver.int_plays_unified where source = 'api'"))
    assert heard == {tracks[length].track_id: known or 30_000 for length, known in LENGTHS.items()}


def test_no_name_carries_a_nul_which_postgres_cannot_hold(lake: Lake) -> None:
    names = {"name": "So\0ng", "artists": [{"id": "a\0", "name": "A\0na"}]}
    lake.add("spotify_api__plays", [played(ONE, **names)])
    payload = json.dumps({"name": "Bo\0", "genres": ["po\0p"]})
    lake.add("spotify_api__artists", [{"id": "b", "status": 200, "payload": payload, "fetched_at": at(FULL)}])
    lake.add(
        "catalog__extracts",
        [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_albums", "spotify_artists")],
    )
    two = track(2, "T\0wo")
    lake.add("catalog__spotify_tracks", [catalog_track(two, artists_id="['c\0']", album_id="d\0", type="tr\0ack")])
    lake.add("catalog__spotify_albums", [{"album_id": "d\0", "name": "Al\0bum", "album_type": "sin\0gle"}])
    lake.add("catalog__spotify_artists", [{"artist_id": "c\0", "name": "C\0y", "genres": "['ro\0ck', 'jazz\0']"}])
    lake.build()
    assert lake.query("select track_name, artist_id, album_id from silver.int_tracks order by track_name") == [
        ("Song", "a", "id of Album"), ("Two", "c", "d"),
    ]  # fmt: skip
    artists = (
        "select artist_id, artist_name, genres from silver.int_artists where genres is not null order by artist_id"
    )
    assert lake.query(artists) == [("b", "Bo", ["pop"]), ("c", "Cy", ["rock", "jazz"])]
    assert ("d", "Album", "single") in lake.query("select album_id, album_name, album_type from silver.int_albums")
    for name in ("int_tracks", "int_albums", "int_artists", "int_plays_unified"):
        assert "\\x00" not in str(lake.rows(name)), name


def test_a_play_whose_payload_cannot_be_read_is_a_play_by_its_time_and_track(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt = played(ONE) | {"payload": HALF}
    lake.add("spotify_api__plays", [spoilt, played(track(2, "Other"), "2026-01-01T12:00:00")])
    lake.build()
    told = "select track_id, track_name from silver.int_plays_unified order by ended_at"
    assert lake.query(told) == [(ONE.track_id, "Unknown Track"), (track(2, "").track_id, "Other")]
    assert lake.query("select is_readable from silver.stg_spotify_api__plays order by played_at") == [(False,), (True,)]
    build._tell_unreadable(lake.path)
    assert "1 plays of the API" in caplog.text
    lake.add("spotify_api__plays", [played(ONE, "2026-01-01T11:00:00") | {"offered_at": at("2026-01-02")}], 2)
    lake.build()
    assert lake.query(told)[:2] == [(ONE.track_id, "Song")] * 2


def test_an_older_answer_that_can_be_read_is_better_than_a_newer_one_that_cannot(lake: Lake) -> None:
    kinds = ("tracks", "albums", "artists", "audio_features")
    for kind in kinds:
        good = {"id": "x", "status": 200, "payload": '{"name": "Known", "key": 3}', "fetched_at": at(FULL)}
        lake.add(f"spotify_api__{kind}", [good, good | {"payload": HALF, "fetched_at": at("2026-02-01")}])
        lake.add(f"spotify_api__{kind}", [{"id": "y", "status": 200, "payload": HALF, "fetched_at": at(FULL)}])
    lake.build()
    for kind in kinds:
        column = "key" if kind == "audio_features" else f"{kind[:-1]}_name"
        assert lake.query(f"select {column} from silver.stg_spotify_api__{kind}") == [
            (3 if column == "key" else "Known",)
        ]
