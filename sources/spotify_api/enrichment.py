"""Fetching what a play leaves unsaid: the track's, album's and artists' own objects, and audio features.

One GET per id that was never fetched, in the order in which the caller wants them (most played first), after those of
the page just polled. A track that a page carries whole is kept without a request. An id that the API does not know is
remembered with its status; an endpoint that the app may not use is left alone for a month or until the next login.
Data flow: page, wanted ids -> Client.fetch -> object events -> journal.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Any

from sources.spotify_api.answers import Answer, Verdict
from sources.spotify_api.client import OBJECT_CALLS, Client
from sources.spotify_api.journal import Journal
from sources.spotify_api.polls import Item

logger = logging.getLogger("lakehouse.spotify_api")

Wanted = tuple[str, str]
"""Table and id, such as `("albums", "3qFQ4XNQ15alZrAaj5oGJK")`."""
REFUSALS = {"audio_features": timedelta(days=30)}
"""How long a kind is left alone after a 403; else a day, since a lapsed subscription says 403 as well."""
GIVE_UP_AFTER = 3
"""Ids in a row that brought no answer, after which the API is taken to be down."""
_REMEMBERED = (Verdict.OK, Verdict.MISSING, Verdict.INVALID)


@dataclass
class Enrichment:
    """One run's fetching.

    Attributes:
        app: Names the app and the consent that endpoints refuse.
        fetched: Gives the objects that bronze holds; asked at most once, and only about one that is not remembered.
        should_stop: Asked before each request.
    """

    client: Client
    journal: Journal
    now: Callable[[], datetime]
    app: str
    fetched: Callable[[], Collection[Wanted]]
    should_stop: Callable[[], bool] = lambda: False
    count: int = field(default=0, init=False)
    _tracks: list[str] = field(default_factory=list, init=False)
    _tried: set[Wanted] = field(default_factory=set, init=False)
    _failures: int = field(default=0, init=False)

    def run(self, wanted: Iterable[Wanted], *, is_absent: bool = False) -> int:
        """Fetch until nothing is wanted or nothing more is allowed.

        Args:
            wanted: Table and id, what matters most first.
            is_absent: Whether bronze is known to hold none of them.

        Returns:
            Objects fetched, those that the API does not know included.

        Raises:
            BudgetSpent, CircuitOpened, LoginNeeded: As the client; what was fetched is kept.
        """
        open_to_us = self._open(wanted) if is_absent else self._absent(wanted)
        for kind, key in chain(open_to_us, self._absent(self._revealed())):
            if self._failures >= GIVE_UP_AFTER or self.should_stop():
                break
            self._take(kind, key, self.client.fetch(kind, key))
        return self.count

    def keep(self, items: Iterable[Item]) -> None:
        """Keep the tracks that a page carries whole: they need no request."""
        for event in whole_tracks(items, self.now()):
            track = ("tracks", event["row"]["id"])
            if self._is_new(track) and track not in self._held:
                self.journal.append(event)

    def _absent(self, wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        return (pair for pair in self._open(wanted) if pair not in self._held)

    def _open(self, wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        for kind, key in wanted:
            if kind not in OBJECT_CALLS or not key:
                continue
            if not self.journal.memory.is_refused(f"{self.app}/{kind}", self.now()) and self._is_new((kind, key)):
                yield kind, key

    def _is_new(self, pair: Wanted) -> bool:
        """Whether an object is not among the last that were fetched, nor tried in this run; true only once."""
        if "/".join(pair) in self.journal.memory.fetched or pair in self._tried:
            return False
        self._tried.add(pair)
        return True

    @cached_property
    def _held(self) -> Collection[Wanted]:
        return self.fetched()

    def _revealed(self) -> Iterator[Wanted]:
        """Artists and albums of the tracks that were fetched before this is asked."""
        tracks = [json.loads(text) for text in self._tracks]
        yield from (pair for track in tracks for pair in parts_of(track))

    def _take(self, kind: str, key: str, answer: Answer) -> None:
        if answer.verdict in _REMEMBERED:
            self.journal.append(object_event(kind, key, self.now(), answer.status, answer.text))
            self.count += 1
            self._failures = 0
            if kind == "tracks" and answer.verdict is Verdict.OK:
                self._tracks.append(answer.text or "{}")
        elif answer.verdict is Verdict.FORBIDDEN:
            pause = REFUSALS.get(kind, timedelta(days=1))
            logger.info("%s: not open to this app; not asked again for %d days", kind, pause.days)
            until = (self.now() + pause).isoformat()
            self.journal.append({"event": "refused", "name": f"{self.app}/{kind}", "until": until})
        else:
            self._failures += 1


def object_event(kind: str, key: str, at: datetime, status: int, payload: str | None) -> dict[str, Any]:
    """The journal's event for one fetched object."""
    row = {"id": key, "fetched_at": at.astimezone(UTC).isoformat(), "status": status, "payload": payload}
    return {"event": "object", "table": kind, "row": row}


def whole_tracks(items: Iterable[Item], at: datetime) -> Iterator[dict[str, Any]]:
    """Object events of the tracks that a page carries as `GET /tracks/{id}` would (they have an ISRC)."""
    for item in items:
        key = item.track.get("id")
        ids = item.track.get("external_ids")
        if isinstance(key, str) and isinstance(ids, dict) and ids.get("isrc"):
            yield object_event("tracks", key, at, 200, json.dumps(json.loads(item.payload)["track"]))


def wanted_by(items: Iterable[Item]) -> Iterator[Wanted]:
    """What the plays of a page want: track, album and artists of each, then the audio features of all."""
    tracks = {item.track_id: item.track for item in items if item.track_id}
    for key, track in tracks.items():
        yield "tracks", key
        yield from parts_of(track)
    yield from (("audio_features", key) for key in tracks)


def parts_of(track: Mapping[str, Any]) -> Iterator[Wanted]:
    """Album and artists that a track names."""
    album, artists = track.get("album"), track.get("artists")
    yield from (("albums", str(one["id"])) for one in (album,) if isinstance(one, dict) and one.get("id"))
    yield from (("artists", str(one["id"])) for one in artists or () if isinstance(one, dict) and one.get("id"))
