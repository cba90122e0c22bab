"""Small exports of every vintage, written by the tests themselves, with the quirks of real ones."""

import json
import random
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = "Spotify Extended Streaming History"
PERSONAL = {
    "username": "planted-user-7431",
    "ip_addr": "203.0.113.77",
    "ip_addr_decrypted": "2001:db8:77::beef",
    "user_agent_decrypted": "PlantedAgent/7431",
    "city": "Plantedville",
    "region": "Plantedshire",
    "home_phone": "+49 7431 7431",
}
"""Values that must never be found behind the reader; the last three stand for columns nobody knows yet."""

PLANTED_PLATFORM = "Android OS 11 API 30 (samsung, SM-PLANTED)"
PLANTED_COUNTRY = "QZ"

Row = dict[str, Any]


def stream(number: int, **changes: Any) -> Row:
    """One row of the newest vintage; `changes` with the value `...` remove a key."""
    ended = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(minutes=4 * number)
    row = {
        "ts": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        "platform": PLANTED_PLATFORM,
        "ms_played": 1000 * (number % 240),
        "conn_country": PLANTED_COUNTRY,
        "ip_addr": PERSONAL["ip_addr"],
        "master_metadata_track_name": f'Song {number % 9} “ü” 中 \\ "quoted" }}, {{',
        "master_metadata_album_artist_name": f"Artist {number % 4}",
        "master_metadata_album_album_name": f"Album {number % 5}",
        "spotify_track_uri": f"spotify:track:{number % 9:022d}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "trackdone",
        "reason_end": "fwdbtn" if number % 3 else "trackdone",
        "shuffle": False,
        "skipped": bool(number % 3),
        "offline": False,
        "offline_timestamp": int(ended.timestamp()),
        "incognito_mode": False,
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


def endsong(number: int, **changes: Any) -> Row:
    """One row of the vintage up to 2022: user name and agent, no audiobooks, unknown flags, offline in ms or 0."""
    old: Row = {
        **dict.fromkeys(("ip_addr", "audiobook_title", "audiobook_uri", "audiobook_chapter_uri"), ...),
        "audiobook_chapter_title": ...,
        **{
            name: PERSONAL[name] for name in ("username", "ip_addr_decrypted", "user_agent_decrypted", "city", "region")
        },
        "skipped": None,
        "offline_timestamp": (1572964071330 + number, 0, None)[number % 3],
        "incognito_mode": None if number % 2 else False,
    }
    return stream(number, **(old | changes))


def podcast(number: int) -> Row:
    names = dict.fromkeys(key for key in stream(0) if key.startswith("master_") or key == "spotify_track_uri")
    return stream(
        number, **names, episode_name="E", episode_show_name="S", spotify_episode_uri=f"spotify:episode:{number}"
    )


def audiobook(number: int) -> Row:
    names = dict.fromkeys(key for key in stream(0) if key.startswith("master_") or key == "spotify_track_uri")
    return stream(number, **names, audiobook_title="B", audiobook_uri="spotify:show:b", audiobook_chapter_title="1")


def account(number: int) -> Row:
    ended = datetime(2021, 11, 21, 3, tzinfo=UTC) + timedelta(minutes=3 * number)
    return {"endTime": f"{ended:%Y-%m-%d %H:%M}", "artistName": "Ärtist", "trackName": f"T{number}", "msPlayed": 145935}


def listen(number: int, **more: Any) -> Row:
    info = {"spotify_id": f"https://open.spotify.com/track/{number:022d}?si=PLANTED-SI", "isrc": "DEUM71800001"} | more
    names = {"artist_name": "Artist", "track_name": f"T{number}", "release_name": "R", "additional_info": info}
    return {"listened_at": 1_600_000_000 + 200 * number, "user_name": PERSONAL["username"], "track_metadata": names}


def zipped(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def dump(rows: list[Any], indent: int | None = 2) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=indent).encode()


def several(make: Callable[[int], Row], count: int, start: int = 0) -> list[Row]:
    return [make(number) for number in range(start, start + count)]


def extended_zip(path: Path, seed: int = 0) -> Path:
    """`my_spotify_data.zip` with an audio and a video file of the newest vintage, and the PDF that comes along."""
    rows = [*several(stream, 60), *several(podcast, 5, 60), *several(audiobook, 3, 70), stream(80, incognito_mode=True)]
    random.Random(seed).shuffle(rows)
    return zipped(
        path,
        {
            f"{FOLDER}/Streaming_History_Audio_2019-2021_1.json": dump(rows),
            f"{FOLDER}/Streaming_History_Video_2019-2021.json": dump(several(stream, 4, 100)),
            f"{FOLDER}/ReadMeFirst_ExtendedStreamingHistory.pdf": b"%PDF-1.4 planted",
        },
    )
