"""Whom a listener likes: decided by the seed alone, whatever happens later.

Data flow: tracks and artists of the world, seed -> `Taste` -> an artist, a track of an artist
"""

import json
import math
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from random import Random

from sandbox import ids
from sandbox.habits import Habits
from sandbox.store import Artist, Track


class Taste:
    """Whom the listener likes, decided by the seed, and what each artist has to offer."""

    def __init__(self, seed: int, artists: list[Artist], tracks: list[Track], habits: Habits) -> None:
        self.fondness = habits.fondness
        self.tracks = {track.track_id: track for track in tracks}
        self.by_artist: dict[str, list[Track]] = {}
        self.by_album: dict[str, list[Track]] = {}
        for track in tracks:
            self.by_artist.setdefault(track.artists[0], []).append(track)
            self.by_album.setdefault(track.album_id, []).append(track)
        for album in self.by_album.values():
            album.sort(key=lambda track: (track.disc_number, track.track_number, track.track_id))
        for artist_id, own in self.by_artist.items():
            own.sort(key=lambda track: ids.number(seed, artist_id, track.track_id))
        self.artists = [artist for artist in artists if artist.artist_id in self.by_artist]
        self.by_mood: list[list[Track]] = [[] for _ in range(habits.moods)]
        for track in sorted(tracks, key=lambda track: ids.number(seed, "rank", track.track_id)) if habits.moods else ():
            self.by_mood[ids.number(seed, "mood", track.track_id) % habits.moods].append(track)
        self._sums = list(accumulate(self._weights(seed)))
        ranked = sorted(zip(self._weights(seed), self.artists, strict=True), key=lambda pair: -pair[0])
        self.core = [artist.artist_id for _, artist in ranked[:12]]

    def artist(self, rng: Random) -> str:
        """Return the id of an artist, the likelier the better it suits."""
        return self.artists[bisect(self._sums, rng.random() * self._sums[-1] * 0.999999)].artist_id

    def track(self, rng: Random, artist_id: str) -> Track:
        """Return a track of an artist, mostly one of the few that the listener likes best."""
        own = self.by_artist[artist_id]
        return own[int(len(own) * rng.random() ** self.fondness)]

    def in_mood(self, rng: Random, mood: int) -> Track:
        """Return a track of a mood, mostly one of those that the listener likes best; any track where it has none."""
        own = self.by_mood[mood] or list(self.tracks.values())
        return own[int(len(own) * rng.random() ** 2.5)]

    def _weights(self, seed: int) -> Iterator[float]:
        genres = sorted({genre for artist in self.artists for genre in json.loads(artist.genres)})
        liked = set(sorted(genres, key=lambda genre: ids.number(seed, genre))[: 2 + len(genres) // 6])
        for artist in self.artists:
            suits = 5 if liked.intersection(json.loads(artist.genres)) else 1
            whim = ids.share(seed, "whim", artist.artist_id) ** 3
            yield (artist.popularity + 6) * suits * (0.04 + whim) * math.log2(1 + len(self.by_artist[artist.artist_id]))
