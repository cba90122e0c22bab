"""The same life as two other services would have recorded it: Last.fm as CSV, ListenBrainz as JSON lines.

Both note the start of a play, and only what was heard for half its length or four minutes.

Data flow: `World.plays` -> scrobbles -> files.
"""

import csv
import json
from datetime import datetime
from pathlib import Path

from sandbox.play import Play
from sandbox.world import World

FOUR_MINUTES_MS = 240_000


def scrobbles(world: World, from_: datetime | None = None, to: datetime | None = None) -> list[Play]:
    """Return the plays that a scrobbler notes, oldest first."""
    noted = []
    for play in world.plays(from_, to):
        track = world.store.track(play.item_id)
        if track and not play.incognito and play.ms_played >= min(track.duration_ms / 2, FOUR_MINUTES_MS):
            noted.append(play)
    return noted


def write_lastfm(world: World, path: Path, from_: datetime | None = None, to: datetime | None = None) -> Path:
    """Write artist, album, title and minute of the start, newest first, without a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for play in reversed(scrobbles(world, from_, to)):
            artist, album, title, _ = _names(world, play)
            writer.writerow((artist, album, title, f"{play.started_at:%d %b %Y %H:%M}"))
    return path


def write_listenbrainz(world: World, path: Path, from_: datetime | None = None, to: datetime | None = None) -> Path:
    """Write one JSON object per listen, newest first."""
    with path.open("w", encoding="utf-8") as file:
        for play in reversed(scrobbles(world, from_, to)):
            file.write(json.dumps(_listen(world, play), ensure_ascii=False) + "\n")
    return path


def _listen(world: World, play: Play) -> dict[str, object]:
    artist, album, title, isrc = _names(world, play)
    track = world.store.track(play.item_id)
    more = {
        "duration_ms": track.duration_ms if track else None,
        "isrc": isrc,
        "music_service": "spotify.com",
        "origin_url": f"https://open.spotify.com/track/{play.item_id}",
        "spotify_id": f"https://open.spotify.com/track/{play.item_id}",
        "submission_client": "sandbox",
    }
    told = {"artist_name": artist, "release_name": album, "track_name": title, "additional_info": more}
    at = play.started_ms // 1000
    return {"inserted_at": at + 300, "listened_at": at, "track_metadata": told}


def _names(world: World, play: Play) -> tuple[str, str, str, str]:
    track = world.store.track(play.item_id)
    if track is None:
        raise LookupError(f"the sandbox does not know track {play.item_id}")
    album, artist = world.store.album(track.album_id), world.store.artist(track.artists[0])
    return artist.name if artist else "", album.name if album else "", track.name, track.isrc
