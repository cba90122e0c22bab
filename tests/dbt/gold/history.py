"""A simulated listening history for the tests of gold: plain Python, the truth that SQL is compared with.

The plays have what makes calendars and rankings hard: nights across midnight, a clock change, silences of exactly the
session gap, the same recording on two albums, feeds that tell names alone, albums without an id, skips, excluded plays,
ties.

Data flow: seed -> `simulated` -> rows for the tables of silver that gold reads
"""

import random
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

GAP = timedelta(minutes=30)


@dataclass(frozen=True)
class Track:
    track_id: str
    track_name: str
    artist: int
    album: int
    recording_id: str
    duration_ms: int
    isrc: str | None = None
    energy: float | None = None
    valence: float | None = None
    key: int | None = None
    is_album_by_name: bool = False

    @property
    def artist_id(self) -> str:
        return f"artist{self.artist:02}"

    @property
    def artist_name(self) -> str:
        return f"Artist {self.artist:02}"

    @property
    def album_id(self) -> str | None:
        return None if self.is_album_by_name else f"album{self.album:02}"

    @property
    def album_name(self) -> str:
        return f"Album {self.album:02}"


@dataclass(frozen=True)
class Play:
    play_id: str
    ended_at: datetime
    ms_played: int
    track: Track
    is_by_name: bool = False
    is_excluded: bool = False
    is_skipped: bool | None = False
    is_ms_played_estimated: bool = False
    platform: str | None = "ios"
    reason_end: str | None = "trackdone"
    source: str = "extended"

    @property
    def started_at(self) -> datetime:
        return self.ended_at - timedelta(milliseconds=self.ms_played)

    def row(self) -> dict[str, Any]:
        """A row of int_plays_unified; a play by name alone has no ids."""
        known = not self.is_by_name
        track = self.track
        return {
            "play_id": self.play_id,
            "ended_at": self.ended_at,
            "started_at": self.started_at,
            "ms_played": self.ms_played,
            "is_ms_played_estimated": self.is_ms_played_estimated,
            "is_skipped": self.is_skipped,
            "is_incognito": False,
            "track_id": track.track_id if known else None,
            "track_name": track.track_name,
            "artist_id": track.artist_id if known else None,
            "artist_name": track.artist_name,
            "album_id": track.album_id if known else None,
            "album_name": track.album_name if known else None,
            "recording_id": track.recording_id if known else None,
            "duration_ms": track.duration_ms if known else None,
            "platform": self.platform,
            "reason_start": "clickrow",
            "reason_end": self.reason_end,
            "source": self.source,
            "sources": [self.source],
            "is_excluded": self.is_excluded,
        }


@dataclass(frozen=True)
class History:
    tracks: list[Track]
    plays: list[Play]
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    popularity: int | None = 50
    known_by_year: frozenset[int] = frozenset()

    def released_on(self, album: int) -> date | None:
        return None if album % 7 == 0 else date(1961 + 3 * album, 1 + album % 12, 1)

    def genres(self, artist: int) -> list[str] | None:
        return None if artist % 5 == 0 else [f"genre {artist % 3}", f"genre {artist % 4 + 2}"]

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of each silver table that gold reads."""
        return {
            "int_plays_unified": [play.row() for play in self.plays],
            "int_tracks": [self._track_row(track) for track in self.tracks],
            "int_recordings": [{"track_id": t.track_id, "recording_id": t.recording_id} for t in self.tracks],
            "int_albums": [self._album_row(n) for n in sorted({t.album for t in self.tracks if t.album_id})],
            "int_artists": [self._artist_row(number) for number in sorted({t.artist for t in self.tracks})],
            "int_completeness": self._stretches(),
            "stg_curation__rules": [],
            "int_settled": [{"settled_before": None, "reason": "built anew"}],
            "play_observations": self._observations(),
            "stg_spotify_export__files": [
                {"file_id": "f1", "archive": "my.zip", "file": "Audio_0.json", "feed": "extended", "kind": "audio",
                 "bytes": 1, "row_count": len(self.plays) + 2, "imported_at": datetime(2026, 1, 1, tzinfo=UTC)},
            ],
        }  # fmt: skip

    def _track_row(self, track: Track) -> dict[str, Any]:
        told_apart = ("artist", "album", "recording_id", "is_album_by_name")
        known = {k: v for k, v in asdict(track).items() if k not in told_apart}
        return known | {"album_id": track.album_id, "artist_id": track.artist_id, "artist_ids": [track.artist_id],
                        "popularity": self.popularity}  # fmt: skip

    def _album_row(self, album: int) -> dict[str, Any]:
        owner = min((t for t in self.tracks if t.album == album and t.album_id), key=lambda t: t.track_id)
        return {"album_id": owner.album_id, "album_name": owner.album_name, "artist_id": owner.artist_id,
                "album_type": "album", "released_on": self.released_on(album), "release_precision": "year" if album in self.known_by_year else "month",
                "total_tracks": 10}  # fmt: skip

    def _artist_row(self, artist: int) -> dict[str, Any]:
        genres = self.genres(artist)
        return {"artist_id": f"artist{artist:02}", "artist_name": f"Artist {artist:02}",
                "genres": genres and [*genres, ""], "popularity": 10, "followers": 1000,
                "is_known_by_catalog": True, "is_known_by_api": False}  # fmt: skip

    def _stretches(self) -> list[dict[str, Any]]:
        return [{"from_at": a, "to_at": b, "state": "gap", "missing_at_least": 0} for a, b in self.gaps]

    def _observations(self) -> list[dict[str, Any]]:
        rows = [
            {"observation_id": f"o{n}", "source": play.source, "play_id": play.play_id, "reason": "play",
             "file_id": "f1", "row_number": n, "ended_at": play.ended_at}
            for n, play in enumerate(self.plays, start=1)
        ]  # fmt: skip
        other = {"source": "extended", "play_id": None, "file_id": "f1", "ended_at": None}
        rows.append(other | {"observation_id": "p", "reason": "podcast", "row_number": len(rows) + 1})
        rows.append(other | {"observation_id": "r", "reason": "rejected", "row_number": len(rows) + 1})
        return rows


def catalog(random_: random.Random, count: int = 60) -> list[Track]:
    """Tracks of twelve artists; every fifth is the same recording as the one before, on another album.

    Of every tenth only the name of the album is known, of half of these another track tells its id.
    """
    tracks: list[Track] = []
    for n in range(count):
        again = n % 5 == 4
        base = tracks[-1] if again else None
        features = n % 3 > 0
        album = n - 12 if n % 20 == 12 else n
        tracks.append(
            Track(
                track_id=f"track{n:03}",
                track_name=base.track_name if base else f"Song {n:03}",
                artist=base.artist if base else n % 12,
                album=20 + n % 5 if base else album % 20,
                recording_id=base.recording_id if base else f"recording{n:03}",
                duration_ms=base.duration_ms if base else random_.randrange(100, 320) * 1000,
                isrc=f"ISRC{n:03}" if n % 2 else None,
                energy=random_.random() if features else None,
                valence=random_.random() / 1000 if features else None,
                key=random_.randrange(12) if features else None,
                is_album_by_name=n % 10 == 2,
            )
        )
    return tracks


def simulated(seed: int, first: datetime, days: int) -> History:
    """Listening on most of `days` days from `first` (UTC), a few plays or a long night each."""
    random_ = random.Random(seed)
    tracks = catalog(random_)
    plays = [_first_ever(first)]
    for day in range(days):
        at = first + timedelta(days=day, minutes=random_.randrange(1440))
        for _ in range(random_.choice([0, 1, 2, 3, 5, 25])):
            play = _play(random_, tracks, len(plays), at)
            plays.append(play)
            at = play.ended_at + random_.choice([timedelta(0), timedelta(seconds=2), GAP, GAP + timedelta(seconds=1)])
    random_.shuffle(plays)
    gaps = [(first + timedelta(days=40, hours=3), first + timedelta(days=42, hours=1))]
    return History(tracks, plays, gaps)


def _first_ever(first: datetime) -> Play:
    """Before all others, of a song that no source describes: neither an album nor a genre is known."""
    track = Track("demo", "Demo", 98, 98, "demo", 200_000)
    return Play("0" * 16, first - timedelta(days=3), 200_000, track, is_by_name=True, is_skipped=None, source="lastfm")


def _play(random_: random.Random, tracks: list[Track], number: int, at: datetime) -> Play:
    track = tracks[min(int(random_.expovariate(0.08)), len(tracks) - 1)]
    skipped = random_.random() < 0.2
    ms = random_.choice([1000, 29999, 30000, 45000]) if skipped else track.duration_ms
    by_name = random_.random() < 0.1
    return Play(
        play_id=f"{random_.getrandbits(64):016x}",
        ended_at=at + timedelta(milliseconds=ms),
        ms_played=ms,
        track=track,
        is_by_name=by_name,
        is_excluded=random_.random() < 0.03,
        is_skipped=None if by_name else skipped,
        platform=random_.choice(["ios", "desktop", None]),
        reason_end=None if by_name else ("fwdbtn" if skipped else "trackdone"),
        source="lastfm" if by_name else "extended",
    )
