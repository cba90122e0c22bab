"""What the simulated listener really played, and plain Python over it.

Only two things are taken from gold: which tracks are the same recording, and the audio features of a track.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pipelines.span import Span
from sandbox.play import Play
from sandbox.world import World

NOBODY = "nobody"


@dataclass(frozen=True)
class Heard:
    """One counted play, with what it is of."""

    at: datetime
    ms: int
    recording: str
    artist: str
    album: str | None
    track: str | None
    track_name: str
    artist_name: str

    @property
    def on(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Truth:
    """What the listener lived: all of it, in the range, and in the range before."""

    ever: list[Heard]
    now: list[Heard]
    before: list[Heard]
    genres: dict[str, list[str]]
    features: dict[str, dict[str, str]]
    span: Span


def heard(world: World, play: Play, known: dict[str, dict[str, str]], is_named: bool) -> Heard:
    track = world.store.track(play.item_id)
    assert track is not None
    artist = json.loads(track.artist_ids)[0]
    ended = datetime.fromtimestamp(play.ended_ms // 1000, UTC)  # the export tells whole seconds
    if not is_named:  # a row of the export without names: it counts, of nobody
        return Heard(ended, play.ms_played, NOBODY, NOBODY, None, None, "Unknown Track", "Unknown Artist")
    owner = world.store.artist(artist)
    recording = known[play.item_id]["recording_id"]
    name = owner.name if owner else ""
    return Heard(ended, play.ms_played, recording, artist, track.album_id, play.item_id, track.name, name)


def tops(
    plays: Iterable[Heard], keys: Callable[[Heard], Iterable[str | None]], first: int | None = 10
) -> list[tuple[str, int, int]]:
    """The most played: by plays, then time, then key."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for play in plays:
        for key in filter(None, keys(play)):
            sums[key][0] += 1
            sums[key][1] += play.ms
    found = [(key, count, ms) for key, (count, ms) in sums.items()]
    return sorted(found, key=lambda item: (-item[1], -item[2], item[0].encode()))[:first]
