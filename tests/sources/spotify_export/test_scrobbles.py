"""Scrobbles in the shapes that people's tools write them arrive as the same rows."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.spotify_export.load import import_paths
from sources.spotify_export.scrobbles import listenbrainz, micros

from .conftest import Lake
from .vintages import PERSONAL, listen, zipped

US = 1_000_000
AT = 1_616_432_100
API_TRACK = {
    "artist": {"mbid": "", "#text": "Björk"},
    "album": {"mbid": "", "#text": "Post"},
    "name": "Army of Me",
    "date": {"uts": str(AT), "#text": "22 Mar 2021, 16:55"},
    "url": "https://www.last.fm/music",
}
PLAYING_NOW = {**{key: value for key, value in API_TRACK.items() if key != "date"}, "@attr": {"nowplaying": "true"}}
GHAN_HEAD = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"
STATS_TRACK = {"track": "Army of Me", "artist": "Björk", "album": "Post", "albumId": "x", "date": AT * 1000}
STATS = {"username": PERSONAL["username"], "scrobbles": [STATS_TRACK]}
SHAPES = {
    "lastfm-to-csv": ("b.csv", "Björk,Post,Army of Me,22 Mar 2021 16:55\n"),
    "lastfm-to-csv with a header": ("b.csv", "artist,album,track,date\nBjörk,Post,Army of Me,22 Mar 2021 16:55\n"),
    "ghan CSV": ("g.csv", f'{GHAN_HEAD}\r\n"{AT}","22 Mar 2021, 16:55","Björk","","Post","","Army of Me",""\r\n'),
    "ghan CSV with a mark": ("g.csv", f"\ufeff{GHAN_HEAD}\n{AT},,Björk,,Post,,Army of Me,\n"),
    "ghan JSON, pages of tracks": ("g.json", json.dumps([{"track": [API_TRACK], "@attr": {"page": "1"}}])),
    "ghan JSON, pages as lists": ("g.json", json.dumps([[API_TRACK]])),
    "ghan JSON, flat": ("g.json", json.dumps([API_TRACK])),
    "the answer of the API": ("g.json", json.dumps({"recenttracks": {"track": [API_TRACK], "@attr": {"user": "x"}}})),
    "lastfmstats JSON": ("lastfmstats-jane.json", json.dumps(STATS)),
    "lastfmstats CSV": (
        "lastfmstats-jane.csv",
        f'Artist;Album;AlbumId;Track;Date#jane\n"Björk";"Post";"x";"Army of Me";"{AT * 1000}"\n',
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_scrobble_is_the_same_in_every_shape(shape: str, lake: Lake, tmp_path: Path):
    name, content = SHAPES[shape]
    (tmp_path / name).write_text(content, newline="")
    report = lake.take(tmp_path / name)
    assert (report.counts.rows, report.counts.music, report.files[0].feed) == (1, 1, "lastfm")
    columns = "row_number, epoch_us(listened_at), artist_name, album_name, track_name"
    assert lake.rows("lastfm_scrobbles", columns) == [(1, AT * US, "Björk", "Post", "Army of Me")]


def test_pages_are_rows_and_what_plays_now_is_rejected(lake: Lake, tmp_path: Path):
    pages = [{"track": [PLAYING_NOW, *[API_TRACK] * 1999]} for _ in range(8)]
    (tmp_path / "recenttracks-jane-1749774900.json").write_text(json.dumps(pages, indent=1))
    report = lake.take(tmp_path / "recenttracks-jane-1749774900.json")
    assert (report.counts.rows, report.counts.rejected) == (16_000, 8)
    assert lake.rows("rejects", "distinct reason, raw") == [
        (
            "no listened_at",
            '{"listened_at": null, "artist_name": "Björk", "album_name": "Post", "track_name": "Army of Me"}',
        )
    ]


def test_a_zip_of_listenbrainz_brings_its_listens_alone(lake: Lake, tmp_path: Path):
    lines = [json.dumps(listen(number)).encode() for number in range(5)]
    members = {
        "user.json": json.dumps({"user_id": 7, "username": PERSONAL["username"]}).encode(),
        "feedback.jsonl": b'{"recording_mbid": "x", "score": 1}\n',
        "pinned_recording.jsonl": b"",
        "listens/2020/9.jsonl": b"\n".join(lines[:3]) + b"\n",
        "listens/2020/10.jsonl": b"\r\n".join(lines[3:]),
    }
    report = lake.take(zipped(tmp_path / "listenbrainz_jane_1600000000.zip", members))
    assert report.counts.rows == report.counts.music == 5
    assert not report.problems
    assert report.files[0].archive == "listenbrainz_user_1600000000.zip"
    assert lake.rows("listenbrainz_listens", "listened_at, artist_name, release_name, spotify_id, isrc")[0][1:] == (
        "Artist",
        "R",
        f"spotify:track:{0:022d}",
        "DEUM71800001",
    )


def test_a_list_of_listens_is_read_like_lines(tmp_path: Path):
    (tmp_path / "listens.json").write_text(json.dumps([listen(number) for number in range(4)]))
    (report,) = import_paths(None, [tmp_path / "listens.json"]).files
    assert (report.feed, report.counts.music) == ("listenbrainz", 4)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AT, AT * US),
        (str(AT), AT * US),
        (AT * 1000, AT * US),
        (float(AT), AT * US),
        ("22 Mar 2021 16:55", AT * US),
        ("22 Mar 2021, 16:55", AT * US),
        ("22 March 2021, 16:55:00", AT * US),
        ("2021-03-22T16:55:00Z", AT * US),
        ("2021-03-22 17:55:00+01:00", AT * US),
        ("2021-03-22 16:55", AT * US),
        (None, None),
        ("", None),
        ("soon", "soon"),
        ("31 Feb 2021 16:55", "31 Feb 2021 16:55"),
        (True, True),
        ([1], [1]),
    ],
)
def test_a_time_is_read_in_every_form(value: object, expected: object):
    assert micros(value) == expected


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(
    st.dictionaries(st.sampled_from(["duration_ms", "duration", "ms_played", "isrc", "spotify_id", "origin_url"]), ANY)
)
def test_odd_side_facts_never_lose_a_listen(more: dict[str, object]):
    flat = listenbrainz(
        {"listened_at": AT, "track_metadata": {"artist_name": "A", "track_name": "T", "additional_info": more}}
    )
    assert (flat["listened_at"], flat["artist_name"], flat["track_name"]) == (AT * US, "A", "T")
    assert isinstance(flat["duration_ms"], int | None)
    assert isinstance(flat["isrc"], str | None)
