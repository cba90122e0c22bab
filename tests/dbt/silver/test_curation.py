"""The listener's own rules: applied to every feed, undone by removing the row."""

import json
from typing import Any

import pytest

from tests.dbt.silver.feeds import payload
from tests.dbt.silver.lake import Lake, at
from tests.dbt.silver.life import Track

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

SONG = Track("t1".ljust(22, "0"), "one", "One", "Ana", "First", "Ana", "AAA000000001", 200_000)
OTHER = Track("t2".ljust(22, "0"), "two", "Two", "Bo", "Second", "Bo", "BBB000000002", 200_000)
THIRD = Track("t3".ljust(22, "0"), "three", "Three", "Cy", "Third", "Cy", "CCC000000003", 200_000)
TIMES = ("2026-03-01T10:00:00", "2026-03-01T10:04:00", "2026-03-01T15:00:00")


def api(track: Track, time: str) -> dict[str, Any]:
    return {
        "poll_id": "p", "offered_at": at("2026-03-02"), "played_at": at(time), "track_id": track.track_id,
        "track_uri": f"spotify:track:{track.track_id}", "payload": json.dumps({"track": payload(track)}),
    }  # fmt: skip


def rules(lake: Lake, load: int, *rows: dict[str, str]) -> None:
    lake.add(
        "curation__rules",
        [
            {"file": row["file"], "line": n, "kind": row["kind"], "fields": json.dumps(row), "is_valid": row.get("valid") != "no"}
            for n, row in enumerate(rows, start=2)
        ] or [{"file": "", "line": 0, "kind": "none", "fields": "{}", "is_valid": True}],
        load,
    )  # fmt: skip


@pytest.fixture
def listened(lake: Lake) -> Lake:
    """One twice in the morning with Two in between them in time, and One by name in a scrobble in the afternoon."""
    lake.add("spotify_api__plays", [api(SONG, TIMES[0]), api(OTHER, TIMES[1])])
    lake.add(
        "spotify_export__files", [{"file_id": "f", "file": "f", "archive": "f", "feed": "lastfm", "kind": "unknown"}]
    )
    lake.add(
        "spotify_export__lastfm_scrobbles",
        [{"file_id": "f", "row_number": 1, "listened_at": at(TIMES[2]), "artist_name": "Cy", "track_name": "Three"}],
    )
    return lake


def excluded(lake: Lake) -> list[bool]:
    lake.build()
    return [row[0] for row in lake.query("select is_excluded from silver.int_plays_unified order by ended_at")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "artist", "id": "id of Ana"}, [True, False, False]),
        ({"kind": "artist", "name": "Cy"}, [False, False, True]),
        ({"kind": "track", "id": OTHER.track_id}, [False, True, False]),
        ({"kind": "album", "name": "First"}, [True, False, False]),
        ({"kind": "artist", "name": "Ana", "from_at": "2026-03-01T11:00"}, [False, False, False]),
        ({"kind": "window", "from_at": "2026-03-01T10:02:00Z", "to_at": "2026-03-01T10:03:00Z"}, [False, True, False]),
        (
            {"kind": "window", "from_at": "2026-03-01T11:02:00+01:00", "to_at": "2026-03-01T11:03:00+01:00"},
            [False, True, False],
        ),
        ({"kind": "play", "id": SONG.track_id, "from_at": "2026-03-01T10:00:00"}, [True, False, False]),
        (
            {"kind": "play", "id": SONG.track_id, "from_at": "2026-03-01T12:00", "to_at": "2026-03-01T13:00"},
            [False, False, False],
        ),
        ({"kind": "session", "from_at": "2026-03-01T10:01:30"}, [True, True, False]),
        ({"kind": "artist", "name": "Ana", "valid": "no"}, [False, False, False]),
    ],
)
def test_a_rule_leaves_out_what_it_names(listened: Lake, rule: dict[str, str], expected: list[bool]) -> None:
    rules(listened, 1, {"file": "exclude.csv", **rule})
    assert excluded(listened) == expected


def test_removing_the_row_undoes_the_rule(listened: Lake) -> None:
    rules(listened, 1, {"file": "exclude.csv", "kind": "artist", "name": "Ana"})
    rules(listened, 2)
    assert excluded(listened) == [False, False, False]


def test_times_without_a_zone_are_the_listeners(listened: Lake) -> None:
    rules(
        listened,
        1,
        {"file": "exclude.csv", "kind": "window", "from_at": "2026-03-01T05:02", "to_at": "2026-03-01T05:03"},
    )
    listened.build(timezone="America/New_York")
    assert listened.query("select count(*) from silver.int_plays_unified where is_excluded") == [(1,)]


def test_names_are_changed_and_ids_are_merged(listened: Lake) -> None:
    rules(
        listened, 1,
        {"file": "rename.csv", "kind": "artist", "id": "id of Bo", "new_name": "Bobby"},
        {"file": "rename.csv", "kind": "track", "name": "Three", "new_name": "Drei"},
        {"file": "merge.csv", "kind": "track", "from_id": SONG.track_id, "into_id": OTHER.track_id},
        {"file": "merge.csv", "kind": "artist", "from_id": "id of nobody", "into_id": "id of new"},
        {"file": "recordings.csv", "kind": "recording", "track_id": OTHER.track_id, "recording_id": "mine"},
    )  # fmt: skip
    listened.build()
    rows = listened.query(
        "select track_id, track_name, artist_name, recording_id from silver.int_plays_unified order by ended_at"
    )
    assert rows == [
        (OTHER.track_id, "Two", "Bobby", "mine"), (OTHER.track_id, "Two", "Bobby", "mine"), (None, "Drei", "Cy", None),
    ]  # fmt: skip
    assert listened.query("select artist_name from silver.int_artists where artist_id = 'id of Bo'") == [("Bobby",)]
    assert listened.query("select count(*) from silver.int_artists where artist_id = 'id of new'") == [(1,)]


def offered(lake: Lake) -> set[str]:
    """What is recommended to one who heard One on nine days and Three on the tenth, of a catalog of these and Two."""
    lake.add("spotify_api__plays", [api(SONG, f"2026-03-0{day}T10:00:00") for day in range(1, 10)])
    lake.add("spotify_api__plays", [api(THIRD, "2026-03-10T10:00:00")])
    lake.add(
        "catalog__spotify_tracks",
        [
            {"track_id": t.track_id, "name": t.title, "artists_id": f"['id of {t.artist}']", "album_id": f"id of {t.album}",
             "duration_ms": t.duration_ms, "popularity": 50}
            for t in (SONG, OTHER, THIRD)
        ],
    )  # fmt: skip
    lake.add("catalog__spotify_artists", [{"artist_id": "id of Bo", "name": "Bo"}])
    lake.add("catalog__spotify_albums", [{"album_id": "id of Second", "name": "Second"}])
    lake.build("path:models/silver +recommendations")
    return {name for (name,) in lake.query("select track_name from gold.recommendations where kind = 'discover'")}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"file": "none.csv"}, {"Two"}),
        ({"file": "exclude.csv", "kind": "artist", "id": "id of Ana"}, {"Two"}),
        pytest.param(
            {"file": "exclude.csv", "kind": "artist", "name": "Ana", "from_at": "2026-03-09T00:00"},
            {"Two"},
            marks=pytest.mark.long,
        ),
        (
            {"file": "exclude.csv", "kind": "window", "from_at": "2026-02-01T00:00", "to_at": "2026-03-09T20:00"},
            {"Two"},
        ),
        ({"file": "exclude.csv", "kind": "artist", "id": "id of Bo"}, set()),
        pytest.param({"file": "exclude.csv", "kind": "album", "name": "Second"}, set(), marks=pytest.mark.long),
        ({"file": "exclude.csv", "kind": "track", "name": "Two"}, set()),
        pytest.param(
            {"file": "exclude.csv", "kind": "artist", "name": "Bo", "to_at": "2026-03-09T20:00"},
            {"Two"},
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"file": "merge.csv", "kind": "track", "from_id": SONG.track_id, "into_id": THIRD.track_id},
            {"Two"},
            marks=pytest.mark.long,
        ),
        ({"file": "merge.csv", "kind": "track", "from_id": OTHER.track_id, "into_id": THIRD.track_id}, set()),
        ({"file": "merge.csv", "kind": "artist", "from_id": "id of Bo", "into_id": "id of Ana"}, set()),
    ],
)
def test_what_was_streamed_or_taken_away_is_no_discovery(lake: Lake, rule: dict[str, str], expected: set[str]) -> None:
    rules(lake, 1, {"kind": "none"} | rule)
    assert offered(lake) == expected


def test_a_name_that_is_changed_is_recommended_under_its_new_one(lake: Lake) -> None:
    rules(
        lake, 1,
        {"file": "rename.csv", "kind": "track", "name": "Two", "new_name": "Zwei"},
        {"file": "rename.csv", "kind": "artist", "name": "Bo", "new_name": "Bobby"},
        {"file": "rename.csv", "kind": "album", "name": "Second", "new_name": "Zweites"},
    )  # fmt: skip
    assert offered(lake) == {"Zwei"}
    assert lake.query("select artist_name from gold.recommendations where kind = 'discover'") == [("Bobby",)]
    assert lake.query("select album_name from gold.dim_albums where album_id = 'id of Second'") == [("Zweites",)]


KEYED = "path:models/silver fct_plays int_settled_gold int_plays_keyed"


@pytest.fixture
def by_name(lake: Lake) -> Lake:
    """A play of Bo's, and two plays that only names tell of: a scrobble and a stream of a track that nobody knows."""
    lake.add("spotify_api__plays", [api(OTHER, TIMES[0])])
    lake.add(
        "spotify_export__files",
        [
            {"file_id": feed, "file": feed, "archive": feed, "feed": feed, "kind": "audio"}
            for feed in ("lastfm", "extended")
        ],
    )
    names = {"artist_name": "bo", "track_name": "Unheard", "album_name": "second"}
    lake.add(
        "spotify_export__lastfm_scrobbles",
        [{"file_id": "lastfm", "row_number": 1, "listened_at": at(TIMES[2])} | names],
    )
    lake.add("spotify_export__streams", [{
        "file_id": "extended", "row_number": 1, "ts": "2026-03-02T10:00:00Z", "ms_played": 200_000,
        "spotify_track_uri": f"spotify:track:{'gone':0<22}", "master_metadata_track_name": "Gone",
        "master_metadata_album_artist_name": "Bo", "master_metadata_album_album_name": "Second",
    }])  # fmt: skip
    return lake


@pytest.mark.parametrize(
    ("rule", "artist", "album"),
    [
        ([], ("id of Bo", "Bo"), ("id of Second", "Second")),
        (
            [{"file": "rename.csv", "kind": "artist", "id": "id of Bo", "new_name": "Bobby"}],
            ("id of Bo", "Bobby"), ("id of Second", "Second"),
        ),
        (
            [{"file": "rename.csv", "kind": "album", "id": "id of Second", "new_name": "Zweites"}],
            ("id of Bo", "Bo"), ("id of Second", "Zweites"),
        ),
        (
            [
                {"file": "merge.csv", "kind": "artist", "from_id": "id of Bo", "into_id": "id of Bobby"},
                {"file": "merge.csv", "kind": "album", "from_id": "id of Second", "into_id": "id of new"},
                {"file": "rename.csv", "kind": "artist", "id": "id of Bobby", "new_name": "Bobby"},
                {"file": "rename.csv", "kind": "album", "id": "id of new", "new_name": "New"},
            ],
            ("id of Bobby", "Bobby"), ("id of new", "New"),
        ),
    ],
)  # fmt: skip
def test_a_rule_by_id_reaches_plays_that_names_tell_of(
    by_name: Lake, rule: list[dict[str, str]], artist: tuple[str, str], album: tuple[str, str]
) -> None:
    rules(by_name, 1, *rule)
    by_name.build(KEYED)
    assert set(by_name.query("select artist_key, artist_name from silver.int_plays_keyed")) == {artist}
    assert set(by_name.query("select album_key, album_name from silver.int_plays_keyed")) == {album}


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "artist", "id": "id of Bo"},
        {"kind": "album", "id": "id of Second"},
        {"kind": "artist", "name": "Bo"},
        {"kind": "album", "name": "Second"},
    ],
)
def test_an_exclusion_reaches_plays_that_names_tell_of(by_name: Lake, rule: dict[str, str]) -> None:
    rules(by_name, 1, {"file": "exclude.csv", **rule})
    assert excluded(by_name) == [True, True, True]


@pytest.mark.parametrize("rule", [{"kind": "artist", "name": "bo"}, {"kind": "album", "name": "second"}])
def test_an_exclusion_by_the_spelling_of_a_feed_reaches_its_plays(by_name: Lake, rule: dict[str, str]) -> None:
    rules(by_name, 1, {"file": "exclude.csv", **rule})
    assert excluded(by_name) == [False, True, False]


def test_a_scrobble_under_the_name_that_the_listener_gave_is_of_the_same_artist(by_name: Lake) -> None:
    by_name.add(
        "spotify_export__lastfm_scrobbles",
        [
            {
                "file_id": "lastfm",
                "row_number": 2,
                "listened_at": at(TIMES[1]),
                "artist_name": "Bobby",
                "track_name": "Unheard",
            }
        ],
    )
    rules(by_name, 1, {"file": "rename.csv", "kind": "artist", "id": "id of Bo", "new_name": "Bobby"})
    by_name.build()
    assert by_name.query("select distinct artist_id, artist_name from silver.int_plays_unified") == [
        ("id of Bo", "Bobby")
    ]


def namesakes(lake: Lake, *played: str) -> list[tuple[Any, ...]]:
    """Whom a scrobble by Ana means, where two artists of the catalog are called so."""
    lake.add(
        "catalog__extracts", [{"table_name": t, "is_complete": True} for t in ("spotify_tracks", "spotify_artists")]
    )
    lake.add("catalog__spotify_artists", [{"artist_id": artist, "name": "Ana"} for artist in ("a1", "a2")])
    lake.add(
        "catalog__spotify_tracks",
        [
            {"track_id": f"{artist:0<22}", "name": f"By {artist}", "artists_id": f"['{artist}']"}
            for artist in ("a1", "a2")
        ],
    )
    lake.add(
        "spotify_export__files",
        [{"file_id": f, "file": f, "archive": f, "feed": f, "kind": "audio"} for f in ("lastfm", "extended")],
    )
    lake.add("spotify_export__lastfm_scrobbles", [{
        "file_id": "lastfm", "row_number": 1, "listened_at": at(TIMES[2]), "artist_name": "Ana", "track_name": "Unheard",
    }])  # fmt: skip
    lake.add("spotify_export__streams", [
        {"file_id": "extended", "row_number": n, "ts": f"2026-03-0{n}T08:00:00Z", "ms_played": 200_000,
         "spotify_track_uri": f"spotify:track:{artist:0<22}", "master_metadata_track_name": f"By {artist}"}
        for n, artist in enumerate(played, 1)
    ])  # fmt: skip
    lake.build()
    return lake.query("select artist_id from silver.int_plays_unified where source = 'lastfm'")


def test_of_several_artists_of_one_name_the_most_played_is_meant(lake: Lake) -> None:
    assert namesakes(lake, "a1", "a2", "a2") == [("a2",)]


def test_of_several_artists_of_one_name_without_a_play_none_is_meant(lake: Lake) -> None:
    assert namesakes(lake) == [(None,)]
