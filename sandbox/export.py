"""The privacy export of the listener, as Spotify sends it: Extended Streaming History and the account data.

The files have the habits of real ones: columns that came and went over the years, a time stamp whose unit changed,
nulls where skips were not recorded, rows told twice, rows without names, and personal data in every row. The personal
values are easy to recognise, so that tests can look for them where they must never be.

Data flow: `World.plays` -> rows -> JSON files in a zip.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sandbox import habits, ids
from sandbox.play import Play, moment
from sandbox.shapes import Json
from sandbox.store import Store
from sandbox.world import EXPORT_UNTIL, World

ADDRESSES = ("203.0.113.77", "198.51.100.x", "2001:db8:5afe::77")
USERNAME = "sandbox_private_username"
USER_AGENT = "SandboxPrivateAgent%2F9.9"
DEVICE = "SM-SANDBOX77"
PERSONAL = (*ADDRESSES, USERNAME, USER_AGENT, DEVICE)
"""Texts that an export holds and nothing made from it may hold."""

ROWS_PER_FILE = 9_000
_ACCOUNT_ROWS = 10_000
_FOLDER = "Spotify Extended Streaming History"
_NEW_STYLE = datetime(2025, 1, 1, tzinfo=UTC)
_PLATFORMS = {
    "ios": "iOS 17.3 (iPhone14,5)",
    "windows": "Windows 10 (10.0.19045; x64)",
    "linux": f"Android OS 11 API 30 (samsung, {DEVICE})",
    "web_player": "web_player windows 10;chrome 121.0.0.0;desktop",
}
_AUDIOBOOK = habits.PODCASTS[1][0]
_PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def write_extended(world: World, path: Path) -> Path:
    """Write the Extended Streaming History up to EXPORT_UNTIL into a zip and return its path."""
    told = list(extended_rows(world))
    audio = [row for row, _, is_video in told if not is_video]
    video = [row for row, _, is_video in told if is_video]
    with _whole(path) as archive:
        for number, rows in enumerate(_chunks(audio, ROWS_PER_FILE)):
            _add(archive, f"{_FOLDER}/Streaming_History_Audio_{_years(rows)}_{number}.json", _dump(rows, number > 0))
        if video:
            _add(archive, f"{_FOLDER}/Streaming_History_Video_{_years(video)}.json", _dump(video, is_indented=True))
        _add(archive, f"{_FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf", _PDF)
    return path


def extended_rows(world: World) -> Iterator[tuple[Json, Play, bool]]:
    """Give each row of the export, the play that it tells of, and whether it is in the video file; oldest first."""
    for play in world.plays(to=EXPORT_UNTIL):
        row = _row(world.store, play)
        is_video = play.kind == "episode" and ids.share("video", play.item_id) < 0.3
        yield row, play, is_video
        draw = ids.share("twice", play.number)
        if draw < 0.001:
            yield row, play, is_video
        elif draw < 0.005:
            later = _iso(play.ended_ms + 1000)
            yield row | {"ts": later, "offline_timestamp": _offline_timestamp(play, 1)}, play, is_video


def write_account(world: World, path: Path) -> Path:
    """Write the account data of the last twelve months into a zip: minutes and names, no ids."""
    until = EXPORT_UNTIL
    plays = [play for play in world.plays(until - timedelta(days=365), until) if not play.incognito]
    music = [_account_row(world.store, play) for play in plays if play.kind != "episode"]
    episodes = [_account_row(world.store, play) for play in plays if play.kind == "episode"]
    with _whole(path) as archive:
        for number, rows in enumerate(_chunks(music, _ACCOUNT_ROWS)):
            _add(archive, f"Spotify Account Data/StreamingHistory_music_{number}.json", _dump(rows, is_indented=True))
        name = "Spotify Account Data/StreamingHistory_podcast_0.json"
        renamed = [
            {"endTime": row["endTime"], "podcastName": row["artistName"], "episodeName": row["trackName"],
             "msPlayed": row["msPlayed"]}
            for row in episodes
        ]  # fmt: skip
        _add(archive, name, _dump(renamed, is_indented=True))
        profile = {"username": USERNAME, "email": "listener@example.com", "birthdate": "1990-01-01"}
        _add(archive, "Spotify Account Data/Userdata.json", json.dumps(profile).encode())
    return path


@contextmanager
def _whole(path: Path) -> Iterator[ZipFile]:
    """Let an archive appear at its place only when it is complete."""
    making = path.with_name(f".{path.name}.making")
    with ZipFile(making, "w", ZIP_DEFLATED) as archive:
        yield archive
    making.replace(path)


def _row(store: Store, play: Play) -> Json:
    is_new = play.ended_at >= _NEW_STYLE
    was_told = play.ended_ms % 7 > 0 or is_new
    return {
        "ts": _iso(play.ended_ms),
        **({} if is_new else {"username": USERNAME}),
        "platform": play.platform if is_new else _PLATFORMS.get(play.platform, play.platform),
        "ms_played": play.ms_played,
        "conn_country": _country(play),
        **_address(play, is_new),
        **_names(store, play, is_new),
        "reason_start": play.reason_start,
        "reason_end": play.reason_end if was_told else "",
        "shuffle": play.shuffle,
        "skipped": play.skipped if play.ended_at >= _NEW_STYLE - timedelta(days=120) else None,
        "offline": play.offline,
        "offline_timestamp": _offline_timestamp(play),
        "incognito_mode": play.incognito,
        **({"content_rating": None} if play.ended_at >= EXPORT_UNTIL - timedelta(days=90) else {}),
    }


def _names(store: Store, play: Play, is_new: bool) -> Json:
    names: Json = dict.fromkeys(
        ("master_metadata_track_name", "master_metadata_album_artist_name", "master_metadata_album_album_name",
         "spotify_track_uri", "episode_name", "episode_show_name", "spotify_episode_uri")
    )  # fmt: skip
    book: Json = dict.fromkeys(("audiobook_title", "audiobook_uri", "audiobook_chapter_uri", "audiobook_chapter_title"))
    track = store.track(play.item_id) if play.kind == "track" else None
    album = store.album(track.album_id) if track else None
    if play.kind == "episode" and is_new and play.owner_name == _AUDIOBOOK:
        book |= {
            "audiobook_title": play.owner_name, "audiobook_chapter_title": play.item_name,
            "audiobook_uri": f"spotify:show:{ids.spotify_id('book', play.owner_name)}",
            "audiobook_chapter_uri": play.uri,
        }  # fmt: skip
    elif play.kind == "episode":
        names |= {"episode_name": play.item_name, "episode_show_name": play.owner_name, "spotify_episode_uri": play.uri}
    elif track and album and ids.share("nameless", play.number) >= 0.002:
        owner = store.artist(json.loads(album.artist_ids)[0])
        names |= {
            "master_metadata_track_name": track.name,
            "master_metadata_album_artist_name": owner.name if owner else None,
            "master_metadata_album_album_name": album.name,
            "spotify_track_uri": play.uri,
        }
    return names | (book if is_new else {})


def _address(play: Play, is_new: bool) -> Json:
    address = ADDRESSES[ids.number("address", play.started_ms // 86_400_000) % len(ADDRESSES)]
    return {"ip_addr": address} if is_new else {"ip_addr_decrypted": address, "user_agent_decrypted": USER_AGENT}


def _country(play: Play) -> str:
    if not play.offline:
        return "DE"
    return ("FR", "IT", "ZZ")[ids.number("country", play.started_ms // 86_400_000) % 3]


def _offline_timestamp(play: Play, shift: int = 0) -> int | None:
    draw = ids.share("offline", play.number)
    if play.ended_at < _NEW_STYLE:
        return play.started_ms + 1000 * shift if draw < 0.9 else 0
    return play.started_ms // 1000 + shift if draw < 0.9 else None


def _account_row(store: Store, play: Play) -> Json:
    track = store.track(play.item_id)
    owner = store.artist(track.artists[0]) if track else None
    is_unknown = ids.share("nameless", play.number) < 0.002
    artist = "Unknown Artist" if is_unknown else (owner.name if owner else play.owner_name)
    title = "Unknown Track" if is_unknown else (track.name if track else play.item_name)
    at = moment(play.ended_ms)
    return {"endTime": f"{at:%Y-%m-%d %H:%M}", "artistName": artist, "trackName": title, "msPlayed": play.ms_played}


def _iso(ms: int) -> str:
    return f"{moment(ms // 1000 * 1000):%Y-%m-%dT%H:%M:%SZ}"


def _years(rows: list[Json]) -> str:
    first, last = rows[0]["ts"][:4], rows[-1]["ts"][:4]
    return first if first == last else f"{first}-{last}"


def _chunks(rows: Iterable[Json], size: int) -> Iterator[list[Json]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _dump(rows: list[Json], is_indented: bool) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=2 if is_indented else None).encode()


def _add(archive: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, date_time=(2026, 3, 15, 6, 0, 0))  # the same bytes whenever it is written
    entry.compress_type = ZIP_DEFLATED
    archive.writestr(entry, content)
