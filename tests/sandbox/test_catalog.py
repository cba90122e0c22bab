import ast
import csv
import os
import statistics
import subprocess
import sys
import tracemalloc
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from sandbox import catalog, words
from sandbox.tables import create_plain

ROOT = Path(__file__).parents[2]
NAMES = {"tracks": catalog.TRACK_COLUMNS, "albums": catalog.ALBUM_COLUMNS, "artists": catalog.ARTIST_COLUMNS}


def records(kind, seed, count):
    return [dict(zip(NAMES[kind], row, strict=True)) for row in getattr(catalog, kind)(seed, count)]


@pytest.fixture(scope="module")
def made():
    return {kind: records(kind, 3, 6000) for kind in NAMES}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 400))
def test_there_are_exactly_so_many_tracks_and_every_album_and_artist_is_there(seed, count):
    tracks, albums, artists = (records(kind, seed, count) for kind in NAMES)
    assert len(tracks) == count == len({track["id"] for track in tracks})
    assert {track["album_id"] for track in tracks} == {album["id"] for album in albums}
    first = {ast.literal_eval(track["artists_id"])[0] for track in tracks}
    assert first <= {artist["id"] for artist in artists}
    assert len(artists) == len({artist["id"] for artist in artists})


def test_a_larger_catalog_begins_with_the_smaller_one():
    assert list(islice(catalog.tracks(5, 10**8), 500)) == list(catalog.tracks(5, 500))


def test_two_seeds_have_nothing_in_common(made):
    assert not {t["id"] for t in made["tracks"]} & {t["id"] for t in records("tracks", 4, 6000)}


def test_the_files_are_the_same_bytes_in_another_process(tmp_path):
    ours = catalog.write_csv(tmp_path / "ours", 9, 800)
    call = f"write_csv(Path({str(tmp_path / 'theirs')!r}), 9, 800)"
    code = f"from pathlib import Path; from sandbox.catalog import write_csv; {call}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    for path in ours:
        assert path.read_bytes() == (tmp_path / "theirs" / path.name).read_bytes()


def test_ids_look_like_spotifys(made):
    for kind in NAMES:
        for row in made[kind]:
            assert len(row["id"]) == 22
            assert row["id"].isalnum()
            assert row["id"].isascii()


def test_every_hard_name_is_there():
    names = {row["name"] for row in records("artists", 3, 10_000)}
    assert set(words.HARD_NAMES) <= names


def test_names_come_in_many_scripts():
    names = "".join(artist["name"] for artist in records("artists", 3, 30_000))
    blocks = ("АЯ", "αω", "את", "اي", "कह", "กฮ", "一龥", "ぁん", "가힣", "აჰ", "ԱՖ", "ሀፐ")
    assert [block for block in blocks if not any(block[0] <= sign <= block[1] for sign in names)] == []


def test_numbers_are_floats_and_lists_are_python_literals_in_the_files(tmp_path):
    paths = catalog.write_csv(tmp_path, 3, 2000)
    rows = {path.stem: list(csv.DictReader(path.open(encoding="utf-8", newline=""))) for path in paths}
    tracks, albums, artists = rows["spotify_tracks"], rows["spotify_albums"], rows["spotify_artists"]
    assert len(tracks) == 2000
    assert all(track["duration_ms"].endswith(".0") and track["key"].endswith(".0") for track in tracks)
    assert all(artist["followers"].endswith(".0") for artist in artists)
    assert all(isinstance(ast.literal_eval(artist["genres"]), list) for artist in artists)
    assert all(ast.literal_eval(album["external_urls"])["spotify"] for album in albums)
    expected = records("tracks", 3, 2000)
    assert [(track["id"], track["name"]) for track in tracks] == [(track["id"], track["name"]) for track in expected]
    assert any("\n" in track["lyrics"] for track in tracks)
    assert next(iter(tracks[0])) == ""


def test_several_artists_unknown_artists_and_empty_genres_occur(made):
    lists = [ast.literal_eval(track["artists_id"]) for track in made["tracks"]]
    known = {artist["id"] for artist in made["artists"]}
    assert 0.02 < sum(len(ids) > 1 for ids in lists) / len(lists) < 0.2
    assert 0.003 < sum(not known.issuperset(ids) for ids in lists) / len(lists) < 0.05
    assert any(len(ids) > 5 for ids in lists)
    assert 0.25 < sum(artist["genres"] == "[]" for artist in made["artists"]) / len(made["artists"]) < 0.6


def test_dates_come_in_three_precisions(made):
    albums = records("albums", 3, 30_000)
    lengths = {"year": 4, "month": 7, "day": 10}
    assert {album["release_date_precision"] for album in albums} == set(lengths)
    assert all(len(album["release_date"]) == lengths[album["release_date_precision"]] for album in albums)


def test_audio_features_hang_together(made):
    def column(name):
        return [track[name] for track in made["tracks"]]

    assert statistics.correlation(column("energy"), column("loudness")) > 0.7
    assert statistics.correlation(column("energy"), column("acousticness")) < -0.5
    assert all(0 <= value <= 1 for name in ("energy", "valence", "danceability") for value in column(name))
    assert len(set(column("tempo"))) > 4000


def test_popularity_has_a_long_tail(made):
    values = sorted(track["popularity"] for track in made["tracks"])
    assert values[len(values) // 2] < 12
    assert values[-1] > 55
    assert values[0] >= 0


def test_some_recordings_are_on_single_album_and_deluxe(made):
    albums = {album["id"]: album for album in made["albums"]}
    editions = defaultdict(set)
    for track in made["tracks"]:
        key = (ast.literal_eval(track["artists_id"])[0], track["name"], track["duration_ms"])
        album = albums[track["album_id"]]
        editions[key].add("deluxe" if album["name"].endswith("(Deluxe Edition)") else album["album_type"])
    assert sum(len(kinds) == 3 for kinds in editions.values()) >= 3
    assert 0.03 < sum(len(kinds) > 1 for kinds in editions.values()) / len(editions) < 0.5


def test_memory_does_not_grow_with_the_catalog():
    def peak(count):
        tracemalloc.start()
        for _ in catalog.tracks(1, count):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)  # what is made once
    assert peak(8_000) < 2 * peak(800) < 2**20


def test_a_database_is_filled_with_what_its_tables_hold(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/c.sqlite")
    create_plain(engine)
    catalog.fill(engine, 3, 1200)
    with engine.connect() as connection:
        query = text("select track_id, name, duration_ms, track_key, number from spotify_tracks")
        rows = connection.execute(query).all()
        counts = [connection.execute(text(f"select count(*) from spotify_{kind}")).scalar_one() for kind in NAMES]
    expected = records("tracks", 3, 1200)
    assert [tuple(row) for row in rows] == [(t["id"], t["name"], t["duration_ms"], t["key"], t[""]) for t in expected]
    assert counts == [len(records(kind, 3, 1200)) for kind in NAMES]
    engine.dispose()
