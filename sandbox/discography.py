"""One artist's life work, made from a seed and the artist's number alone.

An artist can be made without making any other, so that catalogs of any size are streamed in flat memory. Cycles of
recordings come out as a single first, then as an album, sometimes again as a deluxe edition: one recording, up to three
tracks, like in reality.

Data flow: (seed, number) -> outline (how many) -> artist with releases and recordings -> rows in `sandbox.catalog`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from sandbox import features, ids, words

GHOSTS = 40
"""Artists whom tracks name although no artist row holds them."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """How many recordings an artist makes in one go, and how they are sold."""

    recordings: int
    single: int
    bonus: int
    is_deluxe: bool

    @property
    def tracks(self) -> int:
        """Tracks on all releases of the cycle."""
        return self.single + self.recordings + (self.recordings + self.bonus if self.is_deluxe else 0)


@dataclass(frozen=True, slots=True)
class Recording:
    """What was played once in a studio."""

    name: str
    duration_ms: int
    profile: features.Profile
    artist_ids: tuple[str, ...]
    hit: float


@dataclass(frozen=True, slots=True)
class Release:
    """A single, an album, an edition."""

    album_id: str
    kind: str
    name: str
    released: str
    precision: str
    recordings: list[Recording]


@dataclass(frozen=True, slots=True)
class Artist:
    """One artist without works."""

    artist_id: str
    name: str
    family: str
    script: str
    genres: tuple[str, ...]
    popularity: int
    followers: int


class Career:
    """An artist and everything that the artist released.

    Attributes:
        cycles: The outline, enough to count tracks without making them.
    """

    def __init__(self, seed: int, number: int, profiles: dict[str, list[features.Profile]]) -> None:
        self.seed, self.number, self.profiles = seed, number, profiles
        self._rng = Random(seed * 4_294_967_291 + number)
        self.has_hard_name = number % 6 == 3 and (number // 6 < len(words.HARD_NAMES) or self._rng.random() < 0.1)
        self.fame = self._rng.random() ** 3 * (0.3 if self.has_hard_name else 1)
        self.cycles = [_cycle(self._rng) for _ in range(1 + int(3.4 * self.fame + 1.4 * self._rng.random()))]

    @property
    def tracks(self) -> int:
        """Tracks on all releases."""
        return sum(cycle.tracks for cycle in self.cycles)

    @cached_property
    def artist(self) -> Artist:
        """The artist; asked for before the releases, since both draw from one generator."""
        rng = self._rng
        family = rng.choice(tuple(words.GENRES))
        script = words.script_of(rng)
        genres = words.GENRES[family]
        count = 0 if rng.random() < 0.4 else 1 + int(rng.random() * 4)
        return Artist(
            artist_id(self.seed, self.number),
            self._hard_name() if self.has_hard_name else words.artist_name(rng, script),
            family,
            script,
            tuple(sorted(rng.sample(genres, count))),
            min(100, int(8 + 86 * self.fame + 6 * rng.random())),
            0 if rng.random() < 0.02 else int(40 * 2 ** (16 * self.fame**0.5 + 2 * rng.random())),
        )

    def releases(self) -> Iterator[Release]:
        """Give the releases in the order of time."""
        artist = self.artist
        year = 1958 + int(62 * self._rng.random() ** 0.6)
        count = 0
        for cycle in self.cycles:
            year = min(2023, year + int(self._rng.random() * 4))
            for kind, name, recordings in self._sold(cycle, artist):
                released, precision = _date(self._rng, year)
                album_id = ids.spotify_id(self.seed, "album", self.number, count)
                yield Release(album_id, kind, name, released, precision, recordings)
                count += 1

    def _sold(self, cycle: Cycle, artist: Artist) -> Iterator[tuple[str, str, list[Recording]]]:
        made = [self._recording(artist) for _ in range(cycle.recordings + cycle.bonus)]
        main = made[: cycle.recordings]
        name = made[0].name if self._rng.random() < 0.2 else words.title(self._rng, artist.script)
        if cycle.single:
            yield "single", made[0].name, made[: cycle.single]
        yield ("album" if cycle.recordings > 4 else "single"), name, main
        if cycle.is_deluxe:
            yield "album", f"{name} (Deluxe Edition)", made

    def _recording(self, artist: Artist) -> Recording:
        rng = self._rng
        name = words.title(rng, artist.script) if rng.random() > 0.015 else rng.choice(words.HARD_NAMES)
        profile = features.shifted(self.profiles[artist.family][int(rng.random() * features.PER_FAMILY)], rng)
        return Recording(name, _length(rng), profile, self._artists(artist), rng.random() ** 2)

    def _artists(self, artist: Artist) -> tuple[str, ...]:
        draw = self._rng.random()
        if draw > 0.1:
            return (artist.artist_id,)
        if draw < 0.013:
            return (artist.artist_id, ghost_id(self.seed, int(draw / 0.013 * GHOSTS)))
        count = 1 if draw > 0.02 else 1 + int(self._rng.random() * 7)
        guests = [int(self._rng.random() * (self.number + 1)) for _ in range(count)]
        return tuple(dict.fromkeys((artist.artist_id, *(artist_id(self.seed, guest) for guest in guests))))

    def _hard_name(self) -> str:
        return words.HARD_NAMES[self.number // 6 % len(words.HARD_NAMES)]


def artist_id(seed: int, number: int) -> str:
    """Return the id of the artist with this number."""
    return ids.spotify_id(seed, "artist", number)


def ghost_id(seed: int, number: int) -> str:
    """Return the id of an artist who is in no artists table."""
    return ids.spotify_id(seed, "ghost", number)


def _cycle(rng: Random) -> Cycle:
    draw = rng.random()
    if draw < 0.2:
        return Cycle(1, 0, 0, is_deluxe=False)
    if draw < 0.36:
        return Cycle(3 + int(rng.random() * 3), 0, 0, is_deluxe=False)
    recordings = 7 + int(rng.random() * 8)
    is_deluxe = rng.random() < 0.2
    return Cycle(recordings, int(rng.random() * 3), 1 + int(rng.random() * 4) if is_deluxe else 0, is_deluxe)


def _length(rng: Random) -> int:
    draw = rng.random()
    if draw > 0.995:
        return int(900_000 + 2_000_000 * rng.random())
    return int(42_000 + 240_000 * draw + 260_000 * draw**9 + 997 * rng.random())


def _date(rng: Random, year: int) -> tuple[str, str]:
    draw = rng.random()
    if draw < 0.0005:
        return "0000", "year"  # spotify's own way to say unknown
    if draw < 0.12 or (year < 1980 and draw < 0.6):
        return str(year), "year"
    month = 1 + int(rng.random() * 12)
    if draw > 0.985:
        return f"{year}-{month:02d}", "month"
    return f"{year}-{month:02d}-{1 + int(rng.random() * 28):02d}", "day"
