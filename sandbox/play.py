"""One play, as the listener lived it.

Data flow: `sandbox.listener` -> Play -> `sandbox.store`, the API, the exports.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

HEARD_MS = 30_000
"""Spotify's API tells of a play from this length on."""


@dataclass(frozen=True, slots=True)
class Play:
    """One stream of a track or an episode. Times are milliseconds since 1970, UTC.

    Attributes:
        number: Names the play for ever; plays added by hand count from 10**9.
        started_ms: When it began.
        ended_ms: When it stopped.
        played_ms: What the API tells as `played_at`, shortly after the end.
        arrived_ms: When Spotify learned of it: later than the end for plays without a connection.
        ms_played: Time that sound came out; shorter than end minus start when there was a pause.
        kind: `track`, `episode` or `local`.
        item_id: Id of the track or episode; the path-like rest of the uri for a local file.
        item_name: Name of an episode or a local file; empty for tracks, which the world knows.
        owner_name: Show of an episode or artist of a local file.
        context_uri: Album, artist or playlist that it was played from; empty when unknown.
    """

    number: int
    started_ms: int
    ended_ms: int
    played_ms: int
    arrived_ms: int
    ms_played: int
    kind: str
    item_id: str
    item_name: str
    owner_name: str
    context_uri: str
    platform: str
    reason_start: str
    reason_end: str
    shuffle: bool
    skipped: bool
    offline: bool
    incognito: bool

    @property
    def uri(self) -> str:
        """The Spotify uri of what was played."""
        return f"spotify:{self.kind}:{self.item_id}"

    @property
    def ended_at(self) -> datetime:
        """When it stopped."""
        return moment(self.ended_ms)

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return moment(self.started_ms)

    @property
    def is_offerable(self) -> bool:
        """Whether the API would ever tell of it: music, in the open, longer than thirty seconds."""
        return self.kind != "episode" and not self.incognito and self.ms_played >= HEARD_MS


def moment(ms: int) -> datetime:
    """Return milliseconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def millis(at: datetime) -> int:
    """Return a time as milliseconds since 1970."""
    return round(at.timestamp() * 1000)
