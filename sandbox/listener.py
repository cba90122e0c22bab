"""A listener with human habits, one day after the other.

There are sessions at hours that depend on the weekday, favourites that come and go, albums in order, evenings with one
song over and over, discoveries that mostly fail, skips, pauses, journeys without a connection, incognito sessions and a
podcast now and then. A day depends on the seed, its number and the state that the day before left: never on how far
time was moved at once.

Data flow: tracks and artists of the world, state -> `Listener.live(day)` -> plays of that day, new state.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from sandbox import habits, ids
from sandbox.habits import Habits, Slot
from sandbox.play import Play
from sandbox.store import Track
from sandbox.taste import Taste

HOUR = 3_600_000
DAY = 24 * HOUR


@dataclass
class State:
    """What a day leaves to the next one.

    Attributes:
        busy_until: Time in ms before which no new session can start.
        away_until: End of the journey without a connection.
        rotation: Favourites of the time: artist id -> (weight, last day).
        loved: Ids of tracks that were liked, oldest first.
    """

    busy_until: int = 0
    away_until: int = 0
    rotation: dict[str, tuple[float, int]] = field(default_factory=dict)
    loved: list[str] = field(default_factory=list)

    def dump(self) -> str:
        """Return the state as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Session:
    """What is fixed while one sits down to listen."""

    kind: str
    platform: str
    is_incognito: bool
    connected_from: int
    length: int


class Listener:
    """Lives days in order and carries the state from one to the next."""

    def __init__(self, seed: int, epoch_ms: int, taste: Taste, own: Habits, state: str | None) -> None:
        self.seed, self.epoch_ms, self.taste, self.own = seed, epoch_ms, taste, own
        self.state = State(**json.loads(state)) if state else State()
        self._rng = Random()
        self._day = 0

    def live(self, day: int) -> list[Play]:
        """Return the plays of a day, counted from the epoch; days must come in order."""
        self._day, self._rng = day, Random(f"day {self.seed} {day}")
        self._change_favourites()
        start = self.epoch_ms + day * DAY
        if self._rng.random() < habits.JOURNEY and start > self.state.away_until:
            self.state.away_until = start + int(self._rng.uniform(6, 100) * HOUR)
        if self._rng.random() < habits.QUIET_DAY:
            return []
        is_weekend = (start // DAY + 3) % 7 >= 5  # 1970 began on a Thursday
        mood = 0.7 + 0.6 * ids.share(self.seed, "month", day // 30)
        plays: list[Play] = []
        for slot in habits.SLOTS:
            if self._rng.random() < slot.chance[is_weekend] * mood:
                plays.extend(self._session(slot, start, len(plays)))
        return plays

    def _session(self, slot: Slot, day_start: int, already: int) -> Iterator[Play]:
        rng = self._rng
        at = max(self.state.busy_until + 60_000, day_start + int(rng.gauss(slot.hour, slot.spread) * HOUR))
        is_tunnel = rng.random() < habits.TUNNEL
        away = self.state.away_until if at < self.state.away_until else 0
        session = Session(
            rng.choices(tuple(self.own.kinds), tuple(self.own.kinds.values()))[0],
            slot.platforms[int(rng.random() ** 2 * len(slot.platforms))],
            rng.random() < habits.INCOGNITO,
            max(away, at + int(rng.uniform(0.1, 0.8) * HOUR) if is_tunnel else 0),
            1 + int(rng.expovariate(1 / slot.length)),
        )
        number = self._day * 1000 + already
        lived = self._podcast(session, at, number) if session.kind == "podcast" else self._music(session, at, number)
        for play in lived:
            self.state.busy_until = play.ended_ms
            yield play

    def _music(self, session: Session, at: int, number: int) -> Iterator[Play]:
        rng, reason = self._rng, _early(self._rng, ("clickrow", "playbtn", "appload"))
        queue = list(self._queue(session))
        for place, (track, context, shuffle) in enumerate(queue):
            is_skipped = rng.random() < habits.SKIPS[session.kind]
            heard, end = self._heard(track, is_skipped, place == len(queue) - 1)
            pause = int(rng.uniform(5, 600) * 1000) if rng.random() < habits.PAUSE else 0
            ended = at + heard + pause
            yield _play(
                session, rng, (at, ended), heard, number=number + place, kind="track", item_id=track.track_id,
                item_name="", owner_name="", context_uri=context, reason_start=reason, reason_end=end, shuffle=shuffle,
                skipped=is_skipped,
            )  # fmt: skip
            self._maybe_love(track, is_skipped)
            at, reason = ended + int(rng.uniform(50, 1500)), end if end in {"trackdone", "fwdbtn"} else "clickrow"

    def _queue(self, session: Session) -> Iterator[tuple[Track, str, bool]]:
        rng = self._rng
        artist_id = self._favourite()
        if session.kind == "mood":
            mood = self._mood()
            yield from ((self.taste.in_mood(rng, mood), "", False) for _ in range(session.length))
        elif session.kind == "album":
            yield from self._albums(artist_id, session.length)
        elif session.kind == "obsession":
            track = self.taste.track(rng, artist_id)
            for _ in range(2 + session.length // 3):
                yield track, f"spotify:artist:{artist_id}", False
        elif session.kind == "discovery":
            yield from self._discovery(session.length)
        else:
            playlist = f"spotify:playlist:{ids.spotify_id(self.seed, 'playlist', int(rng.random() * 7))}"
            context = playlist if session.kind == "loved" or rng.random() < 0.4 else ""
            for _ in range(session.length):
                yield self._liked(session.kind), context, bool(context)

    def _albums(self, artist_id: str, length: int) -> Iterator[tuple[Track, str, bool]]:
        album_id = self.taste.track(self._rng, artist_id).album_id
        album = self.taste.by_album[album_id]
        for track in album:
            yield track, f"spotify:album:{album_id}", False
        for _ in range(length - len(album)):
            yield self._liked("rotation"), "", True

    def _discovery(self, length: int) -> Iterator[tuple[Track, str, bool]]:
        left = length
        while left > 0:
            artist_id = self.taste.artist(self._rng)
            count = min(left, 1 + int(self._rng.random() * 4))
            left -= count
            if self._rng.random() < self.own.adoption:
                self._adopt(artist_id, 2.0)
            for _ in range(count):
                yield self.taste.track(self._rng, artist_id), f"spotify:artist:{artist_id}", False

    def _liked(self, kind: str) -> Track:
        rng, loved = self._rng, self.state.loved
        if loved and rng.random() < (0.85 if kind == "loved" else 0.1):
            return self.taste.tracks[loved[int(len(loved) * (1 - rng.random() ** 1.6 * 0.999))]]
        return self.taste.track(rng, self._favourite())

    def _favourite(self) -> str:
        rotation = self.state.rotation
        if self._rng.random() < self.own.loyalty:
            return self.taste.core[int(len(self.taste.core) * self._rng.random())]
        return self._rng.choices(tuple(rotation), [weight for weight, _ in rotation.values()])[0]

    def _mood(self) -> int:
        if self._rng.random() < 0.15:
            return int(self._rng.random() * self.own.moods)
        return ids.number(self.seed, "spell", self._day // self.own.spell, self._rng.random() < 0.35) % self.own.moods

    def _change_favourites(self) -> None:
        rotation = self.state.rotation
        for artist_id in [one for one, (_, until) in rotation.items() if until < self._day]:
            del rotation[artist_id]
        while len(rotation) < min(self.own.rotation, len(self.taste.artists)):
            self._adopt(self.taste.artist(self._rng), self._rng.lognormvariate(0, 0.8))

    def _adopt(self, artist_id: str, weight: float) -> None:
        until = self._day + int(self._rng.uniform(*self.own.stay))
        self.state.rotation.setdefault(artist_id, (weight, until))

    def _maybe_love(self, track: Track, is_skipped: bool) -> None:
        if not is_skipped and self._rng.random() < 0.05 and track.track_id not in self.state.loved:
            self.state.loved = [*self.state.loved[-160:], track.track_id]

    def _heard(self, track: Track, is_skipped: bool, is_last: bool) -> tuple[int, str]:
        rng, length = self._rng, track.duration_ms
        if is_skipped:
            is_early = rng.random() < 0.6
            heard = rng.uniform(900, min(30_000, length)) if is_early else rng.uniform(0.15, 0.95) * length
            return int(heard), "endplay" if rng.random() < 0.1 else "fwdbtn"
        if is_last and rng.random() < 0.4:
            return int(rng.uniform(0.2, 1) * length), _early(rng, ("endplay", "logout", "unexpected-exit"))
        seek_back = int(rng.uniform(0, 40_000)) if rng.random() < 0.004 else 0
        return length + seek_back, "trackdone"

    def _podcast(self, session: Session, at: int, number: int) -> Iterator[Play]:
        rng = self._rng
        for place in range(1 + int(rng.random() * 2)):
            show, minutes = habits.PODCASTS[int(rng.random() ** 2 * len(habits.PODCASTS))]
            episode = self._day // 7 + 1
            heard = int(minutes * 60_000 * (0.8 + 0.4 * ids.share(show, episode)) * min(1, rng.random() * 1.6))
            name, item_id = f"#{episode}: {show}", ids.spotify_id("episode", show, episode)
            yield _play(
                session, rng, (at, at + heard), heard, number=number + place, kind="episode", item_id=item_id,
                item_name=name, owner_name=show, context_uri="", reason_start="clickrow", reason_end="endplay",
                shuffle=False, skipped=False,
            )  # fmt: skip
            at += heard + 2000


def _early(rng: Random, options: tuple[str, ...]) -> str:
    """Return one option, the first ones likelier."""
    return options[int(rng.random() ** 2 * len(options))]


def _play(session: Session, rng: Random, span: tuple[int, int], heard: int, **lived: Any) -> Play:
    started, ended = span
    played = ended + int(rng.random() ** 3 * 1500)
    return Play(
        started_ms=started,
        ended_ms=ended,
        played_ms=played,
        arrived_ms=max(played, session.connected_from),
        ms_played=heard,
        platform=session.platform,
        offline=ended < session.connected_from,
        incognito=session.is_incognito,
        **lived,
    )
