"""Which catalog rows are true now, from what the extracts say they cover."""

from datetime import UTC, datetime

import pytest

from tests.dbt.silver.lake import Lake, at

pytestmark = pytest.mark.xdist_group("silver")  # one worker has dbt parse the project once for all

TRACK = "catalog__spotify_tracks"


def extract(load: int, table: str = "spotify_tracks", **more: object) -> dict[str, object]:
    extracted_at = datetime.fromtimestamp(load, UTC)
    return {"table_name": table, "strategy": "full", "is_complete": True, "extracted_at": extracted_at} | more


def names(lake: Lake) -> dict[str, str]:
    lake.build("stg_catalog__tracks")
    return dict(lake.query("select track_id, track_name from silver.stg_catalog__tracks"))


def test_the_last_complete_full_extract_is_the_whole_table(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": "a", "name": "A"}, {"track_id": "b", "name": "B"}], 1)
    lake.add("catalog__extracts", [extract(2)], 2)
    lake.add(TRACK, [{"track_id": "a", "name": "A new"}], 2)
    assert names(lake) == {"a": "A new"}


def test_an_extract_without_rows_empties_the_table(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": "a", "name": "A"}], 1)
    lake.add("catalog__extracts", [extract(2)], 2)
    assert names(lake) == {}


def test_an_extract_that_broke_off_deletes_nothing(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": "a", "name": "A"}, {"track_id": "b", "name": "B"}], 1)
    lake.add("catalog__extracts", [extract(2, is_complete=False)], 2)
    lake.add(TRACK, [{"track_id": "a", "name": "A new"}], 2)
    assert names(lake) == {"a": "A new", "b": "B"}


def test_a_delta_changes_and_adds_and_a_tombstone_deletes(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": key, "name": key, "updated_at": at("2026-01-01")} for key in "abc"], 1)
    lake.add("catalog__extracts", [extract(2, strategy="watermark", lower_bound="2026-01-01")], 2)
    lake.add(TRACK, [{"track_id": "a", "name": "A old", "updated_at": at("2026-01-02")}], 2)
    lake.add(TRACK, [{"track_id": "a", "name": "A new", "updated_at": at("2026-01-03")}], 2)
    lake.add("catalog__tombstones", [{"table_name": "spotify_tracks", "key": "b", "found_at": at("2026-01-03")}], 2)
    lake.add("catalog__tombstones", [{"table_name": "spotify_albums", "key": "c", "found_at": at("2026-01-03")}], 2)
    assert names(lake) == {"a": "A new", "c": "c"}


def test_a_key_that_came_back_after_its_tombstone_lives(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": "a", "name": "A"}], 1)
    lake.add("catalog__tombstones", [{"table_name": "spotify_tracks", "key": "a", "found_at": at("2026-01-03")}], 2)
    lake.add("catalog__extracts", [extract(3, lower_bound="2026-01-03")], 3)
    lake.add(TRACK, [{"track_id": "a", "name": "A again"}], 3)
    assert names(lake) == {"a": "A again"}


def test_a_row_without_its_id_is_no_track(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1)], 1)
    lake.add(TRACK, [{"track_id": "a", "name": "A"}, {"name": "nothing"}, {"name": "nothing else"}], 1)
    assert names(lake) == {"a": "A"}


def test_load_ids_compare_as_numbers(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(9)], 9)
    lake.add(TRACK, [{"track_id": "a", "name": "old"}], 9)
    lake.add("catalog__extracts", [extract(10)], 10)
    lake.add(TRACK, [{"track_id": "a", "name": "new"}], 10)
    assert names(lake) == {"a": "new"}


def test_each_partition_is_true_by_its_own_newest_extract(lake: Lake) -> None:
    lake.add("catalog__extracts", [extract(1, partition="x"), extract(1, partition="y")], 1)
    lake.add(
        TRACK, [{"track_id": "a", "name": "A", "_partition": "x"}, {"track_id": "b", "name": "B", "_partition": "y"}], 1
    )
    lake.add("catalog__extracts", [extract(2, partition="y")], 2)
    assert names(lake) == {"a": "A"}


def test_lists_in_python_are_read_without_running_them(lake: Lake) -> None:
    lists = {
        "plain": ("['pop', 'rock']", ["pop", "rock"]),
        "quotes": ("""["children's music", 'a "b"']""", ["children's music", 'a "b"']),
        "escaped": (r"""['it\'s', 'back\\slash']""", ["it's", r"back\slash"]),
        "comma": ("['a, b', '[c]']", ["a, b", "[c]"]),
        "cut off": ("['whole', 'cut of", ["whole"]),
        "empty": ("[]", []),
        "word": ("pop", ["pop"]),
        "call": ("__import__('os').system('true')", ["__import__('os').system('true')"]),
        "blank": ("", None),
        "null": (None, None),
        "other scripts": ("['日本', 'песня']", ["日本", "песня"]),
    }
    lake.add("catalog__extracts", [extract(1, "spotify_artists")], 1)
    lake.add("catalog__spotify_artists", [{"artist_id": key, "genres": text} for key, (text, _) in lists.items()], 1)
    lake.build("stg_catalog__artists")
    found = dict(lake.query("select artist_id, genres from silver.stg_catalog__artists"))
    assert found == {key: members for key, (_, members) in lists.items()}


def test_release_dates_of_three_precisions_are_the_first_day(lake: Lake) -> None:
    dates = {
        "1983": "1983-01-01",
        "1983-05": "1983-05-01",
        "1983-05-17": "1983-05-17",
        "0000": None,
        "1983-13": None,
        "": None,
    }
    lake.add("catalog__extracts", [extract(1, "spotify_albums")], 1)
    lake.add("catalog__spotify_albums", [{"album_id": text or "none", "release_date": text} for text in dates], 1)
    lake.build("stg_catalog__albums")
    found = lake.query("select album_id, cast(released_on as varchar) from silver.stg_catalog__albums")
    assert dict(found) == {text or "none": day for text, day in dates.items()}
