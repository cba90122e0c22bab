import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from zipfile import ZipFile

import pytest

from sandbox.export import PERSONAL, ROWS_PER_FILE, USERNAME, extended_rows, write_account, write_extended
from sandbox.scrobbles import scrobbles, write_lastfm, write_listenbrainz
from sandbox.world import EXPORT_UNTIL, World

FOLDER = "Spotify Extended Streaming History/"


@pytest.fixture(scope="module")
def world(made):
    world = World(made)
    yield world
    world.close()


@pytest.fixture(scope="module")
def archive(world, tmp_path_factory):
    return ZipFile(write_extended(world, tmp_path_factory.mktemp("export") / "my_spotify_data.zip"))


@pytest.fixture(scope="module")
def rows(archive):
    return [row for name in archive.namelist() if name.endswith(".json") for row in json.loads(archive.read(name))]


@pytest.fixture(scope="module")
def truth(world):
    return world.plays(to=EXPORT_UNTIL)


def test_folder_and_files_are_called_as_spotify_calls_them(archive):
    names = archive.namelist()
    assert all(name.startswith(FOLDER) for name in names)
    audio = [name for name in names if "Streaming_History_Audio_" in name]
    assert len(audio) >= 2
    assert all(re.fullmatch(rf"{FOLDER}Streaming_History_Audio_20\d\d(-20\d\d)?_\d\.json", name) for name in audio)
    assert "_2024" in audio[0]
    assert "2026_" in audio[-1]
    assert any(name.startswith(f"{FOLDER}Streaming_History_Video_") for name in names)
    assert archive.read(f"{FOLDER}ReadMeFirst_ExtendedStreamingHistory.pdf").startswith(b"%PDF")
    assert archive.testzip() is None


def test_every_play_up_to_ten_days_before_now_is_told(rows, truth):
    stamps = Counter(row["ts"] for row in rows)
    wanted = Counter(f"{p.ended_at:%Y-%m-%dT%H:%M:%S}Z" for p in truth)
    assert not wanted - stamps
    assert max(stamps) <= f"{EXPORT_UNTIL + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}Z"
    assert len(truth) < len(rows) < len(truth) * 1.02


def test_the_archive_is_the_same_bytes_each_time(world, archive, tmp_path):
    assert write_extended(world, tmp_path / "again.zip").read_bytes() == open(archive.filename, "rb").read()  # noqa: PTH123, SIM115
    assert [path.name for path in tmp_path.iterdir()] == ["again.zip"]


def test_files_hold_so_many_rows_at_most_and_are_in_order(archive):
    for name in archive.namelist():
        if "Audio" in name:
            told = json.loads(archive.read(name))
            assert len(told) <= ROWS_PER_FILE
            years = {row["ts"][:4] for row in told}
            assert f"_{min(years)}" in name
            assert max(years) in name


def test_a_row_tells_what_was_lived(world):
    for row, play, _ in list(extended_rows(world))[5000:5200]:
        assert row["ms_played"] == play.ms_played
        assert (row["incognito_mode"], row["shuffle"], row["offline"]) == (play.incognito, play.shuffle, play.offline)
        if row["spotify_track_uri"]:
            assert row["spotify_track_uri"] == play.uri
            assert row["master_metadata_track_name"] == world.store.track(play.item_id).name


def test_every_row_holds_personal_data_that_can_be_recognised(rows):
    for row in rows:
        assert any(isinstance(value, str) and value in PERSONAL for value in row.values())
    assert {name for row in rows for name in row} >= {
        "ip_addr",
        "ip_addr_decrypted",
        "username",
        "user_agent_decrypted",
    }


def test_the_unit_of_the_offline_timestamp_changed(rows):
    old = {row["offline_timestamp"] for row in rows if row["ts"] < "2025"}
    new = {row["offline_timestamp"] for row in rows if row["ts"] >= "2025"}
    assert 0 in old
    assert None in new
    assert all(len(str(value)) == 13 for value in old - {0})
    assert all(len(str(value)) == 10 for value in new - {None})


def test_columns_came_and_went(rows):
    def having(name):
        return sorted(row["ts"] for row in rows if name in row)

    assert having("username")[-1] < "2025" <= having("audiobook_uri")[0]
    assert having("content_rating")
    assert "" in {row["reason_end"] for row in rows}
    assert {row["skipped"] for row in rows if row["ts"] < "2024-08"} == {None}
    assert {row["skipped"] for row in rows if row["ts"] > "2025"} == {True, False}


def test_podcasts_audiobooks_videos_incognito_and_nameless_rows_occur(rows, archive):
    kinds = Counter(
        "book" if row.get("audiobook_uri") else "episode" if row["episode_name"] else
        "music" if row["spotify_track_uri"] else "nameless" for row in rows
    )  # fmt: skip
    assert min(kinds[kind] for kind in ("book", "episode", "nameless")) > 3
    assert kinds["music"] > len(rows) * 0.95
    assert sum(row["incognito_mode"] for row in rows) > 50
    assert any(row["ms_played"] < 30_000 for row in rows)


def test_some_plays_are_told_twice_exactly_and_almost(world):
    told = {}
    for row, play, _ in extended_rows(world):
        told.setdefault(play.number, []).append(row)
    same = [rows[0] == rows[1] for rows in told.values() if len(rows) == 2]
    assert any(same)
    assert not all(same)


def test_account_data_has_minutes_and_names_of_the_last_year(world, truth, tmp_path):
    archive = ZipFile(write_account(world, tmp_path / "a.zip"))
    rows = json.loads(archive.read("Spotify Account Data/StreamingHistory_music_0.json"))
    assert set(rows[0]) == {"endTime", "artistName", "trackName", "msPlayed"}
    assert rows == sorted(rows, key=lambda row: row["endTime"])
    assert rows[0]["endTime"] >= f"{EXPORT_UNTIL - timedelta(days=366):%Y-%m-%d}"
    assert any(row["trackName"] == "Unknown Track" for row in rows)
    assert USERNAME in archive.read("Spotify Account Data/Userdata.json").decode()
    podcasts = json.loads(archive.read("Spotify Account Data/StreamingHistory_podcast_0.json"))
    assert set(podcasts[0]) == {"endTime", "podcastName", "episodeName", "msPlayed"}
    last_year = [p for p in truth if p.ended_at >= EXPORT_UNTIL - timedelta(days=365) and not p.incognito]
    assert len(rows) + len(podcasts) == min(len(last_year), 10_000 + len(podcasts))


def test_scrobbles_leave_out_what_was_heard_too_shortly(world):
    since = EXPORT_UNTIL - timedelta(days=60)
    noted = scrobbles(world, since)
    assert noted
    assert all(p.kind == "track" and not p.incognito for p in noted)
    assert all(p.ms_played >= min(world.store.track(p.item_id).duration_ms / 2, 240_000) for p in noted)
    assert len(noted) < len(world.plays(since))


def test_lastfm_rows_tell_the_minute_of_the_start_newest_first(world, tmp_path):
    since = EXPORT_UNTIL - timedelta(days=60)
    text = write_lastfm(world, tmp_path / "l.csv", since).read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    noted = scrobbles(world, since)
    assert len(rows) == len(noted)
    at = datetime.strptime(rows[0][3], "%d %b %Y %H:%M").replace(tzinfo=UTC)
    assert at == noted[-1].started_at.replace(second=0, microsecond=0)
    assert rows[0][2] == world.store.track(noted[-1].item_id).name


def test_listenbrainz_lines_tell_ids_and_seconds(world, tmp_path):
    since = EXPORT_UNTIL - timedelta(days=60)
    path = write_listenbrainz(world, tmp_path / "l.jsonl", since)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    noted = list(reversed(scrobbles(world, since)))
    assert [line["listened_at"] for line in lines] == [p.started_ms // 1000 for p in noted]
    more = lines[0]["track_metadata"]["additional_info"]
    assert more["spotify_id"].endswith(noted[0].item_id)
    assert more["isrc"] == world.store.track(noted[0].item_id).isrc
