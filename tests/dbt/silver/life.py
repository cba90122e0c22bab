"""A true listening life: what really happened, before any feed told of it.

The listener travels between time zones (habits follow the local clock, so clock changes happen), repeats songs, skips,
pauses, starts over, listens in private, and uses a second device at the same time, for other songs.

Data flow: seed -> `Life` -> tests.dbt.silver.feeds
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
WORDS = ("Río", "Été", "Night", "Loop", "雨", "Снег", "Über", "Gold", "Echo", "Paper", "Ash", "Tide", "Nova", "Bones")


@dataclass(frozen=True)
class Track:
    """A track; `song` is shared by the versions of one recording."""

    track_id: str
    song: str
    title: str
    artist: str
    album: str
    album_artist: str
    isrc: str
    duration_ms: int


@dataclass(frozen=True)
class Play:
    """One real stream. Times are milliseconds since 1970."""

    number: int
    track: Track
    started_ms: int
    ended_ms: int
    ms_played: int
    device: str
    is_private: bool


@dataclass(frozen=True)
class Life:
    """A world of songs and the true plays, in the order of their ends."""

    name: str
    tracks: tuple[Track, ...]
    plays: tuple[Play, ...]

    def version_of(self, track: Track, rng: random.Random) -> Track:
        """Some track with the same recording, perhaps the same."""
        return rng.choice([other for other in self.tracks if other.song == track.song])


def live(name: str, seed: int, days: int = 20, first: date = date(2026, 3, 20), shortest_ms: int = 35_000) -> Life:
    """Live for some days; around the end of March most zones change their clocks."""
    rng = random.Random(seed)
    tracks = _tracks(name, rng, shortest_ms)
    plays: list[Play] = []
    for offset in range(days):
        zone = ZoneInfo(ZONES[(offset // 7 + seed) % len(ZONES)])
        busy_until = 0
        for hour in sorted(rng.sample(range(7, 23), rng.randint(1, 4))):
            local = datetime.combine(first + timedelta(days=offset), time(hour, rng.randrange(60)), zone)
            begin = max(int(local.astimezone(UTC).timestamp() * 1000), busy_until)
            busy_until = _session(plays, tracks, begin, rng)
    plays.sort(key=lambda play: (play.ended_ms, play.number))
    return Life(name, tracks, tuple(plays))


def _tracks(name: str, rng: random.Random, shortest_ms: int) -> tuple[Track, ...]:
    found = []
    for number in range(25):
        artist = f"{rng.choice(WORDS)} {name}{number % 9}"
        title = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {number}"
        duration = rng.choice(
            (
                rng.randint(shortest_ms, shortest_ms + 30_000),
                rng.randint(90_000, 420_000),
                rng.randint(150_000, 260_000),
            )
        )
        isrc = f"{name.upper():X<5}{number:07}"[:12]
        compiled = rng.random() < 0.15
        for version in range(rng.choice((1, 1, 2))):
            found.append(
                Track(
                    f"{name}z{number:03}v{version}".ljust(22, "0"), f"{name}{number}",
                    title + (" (feat. Someone)" if version and rng.random() < 0.5 else ""), artist,
                    f"Album {name} {number // 5} {version}", "Various Artists" if compiled else artist, isrc, duration,
                )
            )  # fmt: skip
    return tuple(found)


def _session(plays: list[Play], tracks: tuple[Track, ...], begin: int, rng: random.Random) -> int:
    """Play for a while and return when it was over; sometimes another device plays along."""
    private = rng.random() < 0.05
    devices = [("phone", tracks[::2], begin)]
    if rng.random() < 0.15:
        devices.append(("laptop", tracks[1::2], begin + rng.randrange(600_000)))
    ends = []
    for device, mine, start in devices:
        songs = {track.song for track in mine}
        others = {track.song for track in tracks[1::2]} if device == "phone" else {track.song for track in tracks[::2]}
        own = [track for track in mine if track.song in songs - others] or list(mine)
        now = start
        for _ in range(rng.randint(2, 12)):
            track = rng.choice(own)
            for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3, 6)) if rng.random() < 0.3 else 1):
                now = _play(plays, track, now, device, private, rng)
        ends.append(now)
    return max(ends) + 60_000


def _play(plays: list[Play], track: Track, now: int, device: str, private: bool, rng: random.Random) -> int:
    mood = rng.random()
    if mood < 0.7:
        heard = track.duration_ms
    elif mood < 0.78:
        heard = rng.randint(0, 5_000)
    elif mood < 0.97:
        heard = rng.randint(1_000, track.duration_ms)
    else:
        heard = track.duration_ms + rng.randint(1_000, 20_000)
    pause = rng.randint(5_000, 600_000) if rng.random() < 0.05 and heard > 10_000 else 0
    ended = now + heard + pause
    plays.append(Play(len(plays), track, now, ended, heard, device, private))
    return ended + rng.randint(0, 1_500)
