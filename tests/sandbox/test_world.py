import csv
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import create_engine, text

from sandbox import ids
from sandbox.habits import HABITS
from sandbox.tables import create_plain
from sandbox.world import EPOCH, FIRST_NOW, World, ensure
from sources.problem import UsageProblem
from tests.environment import GIVEN, ROOT

REAL = GIVEN / "catalog"


def url(folder):
    return f"sqlite:///{folder}/catalog.sqlite"


@pytest.fixture(scope="module")
def life(made):
    world = World(made)
    plays = world.plays()
    yield world, plays
    world.close()


def test_the_same_seed_gives_the_same_life_in_another_process(made, tmp_path):
    code = (
        "from pathlib import Path; from sandbox.world import ensure;"
        f"folder = Path({str(tmp_path)!r}); ensure(folder, {url(tmp_path)!r}, 11, 1500)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    theirs, ours = World(tmp_path), World(made)
    assert theirs.plays() == ours.plays()
    assert theirs.store.tracks() == ours.store.tracks()


def test_another_seed_gives_another_life(made, tmp_path):
    other = ensure(tmp_path, url(made), 12, 1500)
    assert other.plays()[:50] != World(made).plays()[:50]


@pytest.mark.long
def test_listeners_of_different_habits_differ_in_what_they_are_named_for(made, tmp_path):
    heard, albums = {}, {}
    for habits in HABITS:
        own = ensure(tmp_path / habits, url(made), 11, 1500, habits=habits)
        plays = [play for play in own.plays() if play.kind == "track"]
        artists = Counter(own.store.track(play.item_id).artists[0] for play in plays)
        heard[habits] = sum(count for _, count in artists.most_common(12)) / len(plays), len({p.item_id for p in plays})
        albums[habits] = sum(play.context_uri.startswith("spotify:album") for play in plays) / len(plays)
        own.close()

    assert max(albums, key=albums.get) == "loyal"
    assert max(heard, key=lambda habits: heard[habits][0]) == "loyal"
    assert min(heard, key=lambda habits: heard[habits][1]) == "loyal"
    assert min(heard, key=lambda habits: heard[habits][0]) == "moody"
    assert heard["explorer"][1] > heard["everyday"][1]


def test_a_session_in_a_mood_holds_one_mood_of_many_artists(made, tmp_path):
    own = ensure(tmp_path, url(made), 11, 1500, habits="moody")
    plays = [play for play in own.plays() if play.kind == "track" and not play.context_uri]
    moods = HABITS["moody"].moods
    neighbours = [(a, b) for a, b in pairwise(plays) if b.number == a.number + 1]

    def mood(play):
        return ids.number(own.seed, "mood", play.item_id) % moods

    def artist(play):
        return own.store.track(play.item_id).artists[0]

    assert sum(mood(a) == mood(b) for a, b in neighbours) > 0.85 * len(neighbours)
    assert sum(artist(a) == artist(b) for a, b in neighbours) < 0.2 * len(neighbours)


def test_how_far_time_is_moved_at_once_changes_nothing(made, world, tmp_path):
    import shutil

    (tmp_path / "other").mkdir()
    shutil.copy(made / "world.sqlite", tmp_path / "other")
    other = World(tmp_path / "other")
    other.advance(timedelta(days=200))
    for _ in range(100):
        world.advance(timedelta(days=2))
    assert world.now == other.now == FIRST_NOW + timedelta(days=200)
    assert world.plays() == other.plays()


def test_time_stands_still_over_a_restart_and_never_runs_backwards(world):
    world.advance(timedelta(hours=5))
    again = World(world.folder)
    assert again.now == FIRST_NOW + timedelta(hours=5)
    again.advance(timedelta(0))
    with pytest.raises(ValueError, match="backwards"):
        again.advance(timedelta(seconds=-1))
    again.close()


def test_no_play_lies_in_the_future(world):
    assert all(p.ended_at <= world.now for p in world.plays())
    world.advance(timedelta(hours=9))
    assert all(p.ended_at <= world.now for p in world.plays())


def test_one_plays_one_thing_at_a_time_for_as_long_as_it_took(life):
    _, plays = life
    assert [(a, b) for a, b in pairwise(plays) if b.started_ms < a.ended_ms] == []
    assert all(p.ms_played <= p.ended_ms - p.started_ms and p.ms_played > 0 for p in plays)
    assert all(p.arrived_ms >= p.played_ms >= p.ended_ms for p in plays)
    assert len({p.number for p in plays}) == len(plays)


def test_there_are_some_thirty_plays_a_day_over_two_years(life):
    _, plays = life
    assert 25 < len(plays) / (FIRST_NOW - EPOCH).days < 40
    days = Counter(p.started_at.date() for p in plays)
    assert len(days) > 600
    assert max(days.values()) > 80
    assert len(days) < (FIRST_NOW - EPOCH).days


def test_the_night_is_quiet_and_weekends_begin_later(life):
    _, plays = life
    hours = Counter(p.started_at.hour for p in plays)
    assert sum(hours[hour] for hour in (3, 4, 5)) < len(plays) * 0.01
    early = Counter(p.started_at.weekday() >= 5 for p in plays if p.started_at.hour in {7, 8})
    assert early[True] * 5 / 2 < early[False] * 0.5


def test_favourites_are_heard_again_and_again_and_come_and_go(life):
    _, plays = life
    counted = Counter(p.item_id for p in plays if p.kind == "track")
    assert counted.most_common(1)[0][1] > 80
    assert len(counted) > 500
    first, last = plays[0].ended_at, plays[-1].ended_at
    half = first + (last - first) / 2
    top = [{i for i, _ in Counter(p.item_id for p in plays if (p.ended_at < half) is early).most_common(40)}
           for early in (True, False)]  # fmt: skip
    assert 3 < len(top[0] & top[1]) < 37


def test_albums_are_heard_in_order(life):
    world, plays = life
    runs = 0
    for before, after in pairwise(plays):
        if before.context_uri.startswith("spotify:album") and before.context_uri == after.context_uri:
            one, two = world.store.track(before.item_id), world.store.track(after.item_id)
            runs += (one.disc_number, one.track_number) < (two.disc_number, two.track_number)
    assert runs > 500


def test_life_holds_skips_pauses_offline_spells_incognito_and_podcasts(life):
    _, plays = life
    shares = {
        "skipped": sum(p.skipped for p in plays),
        "paused": sum(p.ended_ms - p.started_ms - p.ms_played > 5000 for p in plays),
        "offline": sum(p.offline for p in plays),
        "incognito": sum(p.incognito for p in plays),
        "podcasts": sum(p.kind == "episode" for p in plays),
        "short": sum(p.ms_played < 30_000 for p in plays),
        "longer than the track": sum(p.ms_played > 10**6 for p in plays),
    }
    assert {name: 0 for name, count in shares.items() if not 5 <= count < len(plays) / 4} == {}
    away = [p for p in plays if p.offline and p.arrived_ms - p.played_ms > 6 * 3_600_000]
    assert away


def test_some_music_is_newer_than_the_catalog(made, life):
    world, plays = life
    engine = create_engine(url(made))
    with engine.connect() as connection:
        known = set(connection.execute(text("select track_id from spotify_tracks")).scalars())
    heard = {p.item_id for p in plays if p.kind == "track"}
    assert 0 < len(heard - known) < len(heard) / 4
    assert all(world.store.track(item_id) for item_id in heard)


def test_one_recording_has_one_isrc_on_all_its_editions(life):
    world, _ = life
    tracks = world.store.tracks()
    isrcs = Counter(track.isrc for track in tracks)
    shared = [track for track in tracks if isrcs[track.isrc] > 1]
    assert len(shared) > 20
    by_isrc = {}
    for track in shared:
        by_isrc.setdefault(track.isrc, set()).add((track.name.casefold(), track.duration_ms, track.artists[0]))
    assert all(len(recordings) == 1 for recordings in by_isrc.values())
    assert all(len(track.isrc) == 12 and track.isrc[:2].isalpha() for track in tracks)


def test_a_second_start_needs_neither_catalog_nor_generator(made):
    code = (
        "import sys; from pathlib import Path; from sandbox.world import ensure; from sandbox.spotify import serve\n"
        f"world = ensure(Path({str(made)!r}), 'mysql://nowhere', 1, 1)\n"
        "with serve(world) as server:\n"
        "    heavy = {'sqlalchemy', 'dlt', 'duckdb', 'pandas', 'pyarrow', 'requests', 'spotipy'} & set(sys.modules)\n"
        "    own = {m for m in sys.modules if m.startswith('sandbox.')}\n"
        "    slow = own & {'sandbox.catalog', 'sandbox.listener', 'sandbox.pool'}\n"
        "    print(world.now.isoformat(), sorted(heavy), sorted(slow))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert told.strip() == f"{FIRST_NOW.isoformat()} [] []"


def test_a_start_that_was_killed_in_the_middle_is_done_again(tmp_path):
    (tmp_path / "making").mkdir()
    (tmp_path / "making" / "world.sqlite").write_bytes(b"half")
    (tmp_path / "catalog.sqlite.making").write_bytes(b"half")
    world = ensure(tmp_path, url(tmp_path), 1, 200)
    assert world.now == FIRST_NOW
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))) == [
        "catalog.sqlite",
        "world.sqlite",
    ]


def test_a_catalog_without_tracks_is_told_as_a_problem(tmp_path):
    engine = create_engine(url(tmp_path))
    create_plain(engine)
    engine.dispose()
    with pytest.raises(UsageProblem, match="SOURCES__CATALOG__CREDENTIALS"):
        ensure(tmp_path / "world", url(tmp_path), 1, 200)


def test_a_database_without_catalog_tables_is_told_as_a_problem(tmp_path):
    with create_engine(url(tmp_path)).begin() as connection:
        connection.execute(text("create table other (a int)"))
    with pytest.raises(UsageProblem, match="no such table"):
        ensure(tmp_path / "world", url(tmp_path), 1, 200)
    assert not (tmp_path / "world" / "world.sqlite").exists()


def test_a_catalog_that_is_there_stays_as_it_is(made, tmp_path):
    before = (made / "catalog.sqlite").read_bytes()
    ensure(tmp_path, url(made), 99, 50)
    assert (made / "catalog.sqlite").read_bytes() == before


def test_the_schema_of_somebody_else_is_filled(tmp_path):
    def tables(engine):
        create_plain(engine)
        with engine.begin() as connection:
            connection.execute(text("alter table spotify_tracks add column updated_at text default 'now'"))
            connection.execute(text("alter table spotify_tracks drop column preview_url"))

    ensure(tmp_path, url(tmp_path), 1, 300, create_tables=tables)
    with create_engine(url(tmp_path)).connect() as connection:
        rows = connection.execute(text("select count(*), count(updated_at) from spotify_tracks")).one()
    assert tuple(rows) == (300, 300)


def test_one_artist_with_one_track_is_a_world_too(tmp_path):
    world = ensure(tmp_path, url(tmp_path), 1, 1)
    assert len(world.plays()) > 1000


@pytest.mark.skipif(not REAL.exists(), reason="TEST_DATA has no real catalog")
def test_a_listener_lives_on_the_real_catalog(tmp_path):
    engine = create_engine(url(tmp_path))
    create_plain(engine)
    renamed = {"spotify_tracks": {"id": "track_id", "key": "track_key"}, "spotify_albums": {"id": "album_id"},
               "spotify_artists": {"id": "artist_id"}}  # fmt: skip
    with engine.begin() as connection:
        for table, names in renamed.items():
            columns = [row[1] for row in connection.execute(text(f"pragma table_info({table})"))]
            with (REAL / f"{table}.csv").open(encoding="utf-8", newline="") as file:
                rows = [{names.get(k, k): v or None for k, v in row.items()} for row in csv.DictReader(file)]
            used = [column for column in columns if column in rows[0]]
            marks = ", ".join(f":{column}" for column in used)
            connection.execute(text(f"insert or ignore into {table} ({', '.join(used)}) values ({marks})"), rows)
    engine.dispose()
    world = ensure(tmp_path / "world", url(tmp_path), 7, 0)
    names = {
        world.store.artist(world.store.track(p.item_id).artists[0]).name for p in world.plays() if p.kind == "track"
    }
    assert len(names) > 100
    assert len(world.store.tracks()) > 12_000
    assert json.loads(world.store.tracks()[0].artist_ids)
