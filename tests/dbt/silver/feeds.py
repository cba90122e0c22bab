"""What each feed tells of a life, with the habits that real feeds have.

Every row remembers the true play that it tells of (`truth`), beside the bronze row, so that tests can judge the result.

Data flow: Life -> rows of bronze tables
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.dbt.silver.life import Life, Play, Track

FEEDS = ("extended", "account", "api", "listenbrainz", "lastfm")
KEPT_MS = 30_000


@dataclass
class Told:
    """Rows of bronze by table, and the number of the true play by the row's identity."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    truth: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def file(self, life: Life, table: str, feed: str, name: str, rows: list[tuple[int, dict[str, Any]]]) -> None:
        """Add a file with its rows; each comes with the number of its play."""
        file_id = f"{life.name}-{name}"
        self.rows.setdefault("spotify_export__files", []).append({
            "file_id": file_id, "archive": f"{life.name}.zip", "file": f"{name}.json", "feed": feed, "kind": "audio",
            "bytes": 1, "row_count": len(rows), "imported_at": datetime(2026, 6, 1, tzinfo=UTC),
        })  # fmt: skip
        for number, (truth, row) in enumerate(rows, start=1):
            self.rows.setdefault(table, []).append({"file_id": file_id, "row_number": number, **row})
            self.truth[feed, file_id, number] = truth

    def merge(self, other: "Told") -> None:
        """Take all rows of another life in."""
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.truth |= other.truth


def tell(life: Life, feeds: frozenset[str], seed: int, start_share: float = 0.0) -> Told:
    """Let some feeds tell of a life.

    Args:
        life: The truth.
        feeds: Names of FEEDS.
        seed: Decides what each feed misses and repeats.
        start_share: Share of the API's items whose time is the start of the play.
    """
    told = Told()
    rng = random.Random(seed)
    span = (life.plays[0].ended_ms, life.plays[-1].ended_ms)
    if "extended" in feeds:
        _extended(told, life, rng, span)
    if "account" in feeds:
        _account(told, life, rng, span)
    if "api" in feeds:
        _api(told, life, rng, span, start_share)
    for scrobbler in ("listenbrainz", "lastfm"):
        if scrobbler in feeds:
            _scrobbles(told, life, rng, scrobbler)
    return told


def _extended(told: Told, life: Life, rng: random.Random, span: tuple[int, int]) -> None:
    """Two exports: an older one, and one that tells everything up to a later day again."""
    early = span[0] + (span[1] - span[0]) * rng.uniform(0.2, 0.6)
    late = span[0] + (span[1] - span[0]) * rng.uniform(0.7, 1.0)
    rows = [(play, _stream(life, play, rng)) for play in life.plays if play.ended_ms <= late]
    for name, until in (("old", early), ("new", late)):
        kept = list(_with_repeats([(play, row) for play, row in rows if play.ended_ms <= until], rng))
        told.file(life, "spotify_export__streams", "extended", f"extended-{name}", kept)


def _with_repeats(rows: list[tuple[Play, dict[str, Any]]], rng: random.Random) -> Iterator[tuple[int, dict[str, Any]]]:
    for play, row in rows:
        yield play.number, row
        draw = rng.random()
        if draw < 0.01:
            yield play.number, row
        elif draw < 0.02 and play.ms_played > 10_000:
            later = row | {"ts": _iso(play.ended_ms + rng.randint(1_000, 4_000))}
            yield play.number, later


def _stream(life: Life, play: Play, rng: random.Random) -> dict[str, Any]:
    track = play.track
    nameless = rng.random() < 0.004
    return {
        "ts": _iso(play.ended_ms), "ms_played": play.ms_played, "platform": play.device,
        "spotify_track_uri": None if nameless else f"spotify:track:{track.track_id}",
        "master_metadata_track_name": None if nameless else track.title,
        "master_metadata_album_artist_name": None if nameless else track.album_artist,
        "master_metadata_album_album_name": None if nameless else track.album,
        "reason_end": "trackdone" if play.ms_played >= track.duration_ms else "fwdbtn",
        "incognito_mode": play.is_private, "offline_timestamp": rng.choice((0, None, play.started_ms, play.started_ms // 1000)),
    }  # fmt: skip


def _account(told: Told, life: Life, rng: random.Random, span: tuple[int, int]) -> None:
    since = span[0] + (span[1] - span[0]) * rng.uniform(0.0, 0.5)
    rows = [
        (play.number, {
            "end_time": f"{_moment(play.ended_ms):%Y-%m-%d %H:%M}", "artist_name": play.track.artist,
            "track_name": play.track.title, "ms_played": play.ms_played,
        })
        for play in life.plays if play.ended_ms >= since and not play.is_private
    ]  # fmt: skip
    told.file(life, "spotify_export__account_streams", "account", "account", rows)


def _api(told: Told, life: Life, rng: random.Random, span: tuple[int, int], start_share: float) -> None:
    """The polls missed one stretch; a track may come under the id of another version of it."""
    gap_from = span[0] + (span[1] - span[0]) * rng.uniform(0.2, 0.7)
    gap_to = gap_from + (span[1] - span[0]) * 0.1
    for play in life.plays:
        if play.is_private or play.ms_played < KEPT_MS or gap_from <= play.ended_ms <= gap_to:
            continue
        track = life.version_of(play.track, rng) if rng.random() < 0.1 else play.track
        is_start = rng.random() < start_share
        at_ms = (play.started_ms if is_start else play.ended_ms) + rng.randint(0, 2_500)
        _offer(told, play, track, at_ms)
        if rng.random() < 0.01:
            _offer(told, play, track, at_ms + rng.choice((0, 700)))


def _offer(told: Told, play: Play, track: Track, at_ms: int) -> None:
    row = {
        "poll_id": f"poll{at_ms}", "offered_at": _moment(at_ms + 600_000), "played_at": _moment(at_ms),
        "track_id": track.track_id, "track_uri": f"spotify:track:{track.track_id}", "payload": json.dumps({"track": payload(track)}),
    }  # fmt: skip
    told.rows.setdefault("spotify_api__plays", []).append(row)
    told.truth["api", track.track_id, at_ms] = play.number


def payload(track: Track) -> dict[str, Any]:
    """The JSON of a track as the API tells it."""

    def artist(name: str) -> dict[str, str]:
        return {"id": f"id of {name}", "name": name}

    return {
        "id": track.track_id, "name": track.title, "duration_ms": track.duration_ms, "type": "track",
        "external_ids": {"isrc": track.isrc}, "artists": [artist(track.artist)],
        "album": {"id": f"id of {track.album}", "name": track.album, "artists": [artist(track.album_artist)]},
    }  # fmt: skip


def _scrobbles(told: Told, life: Life, rng: random.Random, scrobbler: str) -> None:
    """Starts of plays; a scrobbler is off for some days, and tells a few plays twice."""
    rows: list[tuple[int, dict[str, Any]]] = []
    off = {rng.randrange(20) for _ in range(4)}
    day_ms = 86_400_000
    for play in life.plays:
        long_enough = play.ms_played >= min(play.track.duration_ms / 2, 240_000) and play.ms_played >= KEPT_MS
        if not long_enough or (play.ended_ms - life.plays[0].ended_ms) // day_ms in off:
            continue
        for at_ms in [play.started_ms] + ([play.started_ms + rng.randint(0, 8_000)] if rng.random() < 0.01 else []):
            rows.append((play.number, _scrobble(play, at_ms, scrobbler, rng)))
    rows.reverse()
    table = "lastfm_scrobbles" if scrobbler == "lastfm" else "listenbrainz_listens"
    told.file(life, f"spotify_export__{table}", scrobbler, scrobbler, rows)


def _scrobble(play: Play, at_ms: int, scrobbler: str, rng: random.Random) -> dict[str, Any]:
    track = play.track
    named = {"artist_name": track.artist.upper() if rng.random() < 0.1 else track.artist, "track_name": track.title}
    if scrobbler == "lastfm":
        return named | {"album_name": track.album, "listened_at": _moment(at_ms // 60_000 * 60_000)}
    linked = rng.random() < 0.5
    return named | {
        "release_name": track.album, "listened_at": _moment(at_ms // 1000 * 1000), "isrc": track.isrc if linked else None,
        "spotify_id": f"https://open.spotify.com/track/{track.track_id}" if linked else None,
        "duration_ms": track.duration_ms if linked else None,
    }  # fmt: skip


def catalog(life: Life) -> dict[str, list[dict[str, Any]]]:
    """Half of the life's tracks as catalog rows, with their artists."""
    tracks = life.tracks[::2]
    artists = {f"id of {track.artist}": track.artist for track in tracks}
    return {
        "catalog__spotify_tracks": [
            {
                "track_id": t.track_id,
                "name": t.title,
                "artists_id": str([f"id of {t.artist}"]),
                "duration_ms": t.duration_ms,
            }
            for t in tracks
        ],
        "catalog__spotify_artists": [{"artist_id": key, "name": name} for key, name in artists.items()],
    }


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def _iso(ms: int) -> str:
    return f"{_moment(ms):%Y-%m-%dT%H:%M:%SZ}"
