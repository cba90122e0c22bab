"""What the source remembers between runs: bounded, plain JSON, the same on disk and in the lake.

The memory is a fold over events (a request sent, a page read, an object fetched, a ban). The journal keeps the events
of this machine; dlt's source state carries the folded memory in every load package, so that an empty machine takes it
from the lake. Data flow: events -> Memory -> dlt state -> Memory.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sources.spotify_api.answers import LONGEST_BAN

SEEN_KEYS = 250
"""Plays remembered as kept: five full pages, so that a play which vanishes and comes back is not kept twice."""
RECENT_POLLS = 24
REQUEST_DAYS = 35
FETCHED_IDS = 800
"""More than a day of enrichment; older ids are in bronze, from where the caller knows them."""
BATCHES = 20

Event = Mapping[str, Any]


@dataclass
class Memory:
    """The source's memory.

    Attributes:
        seen: Keys of plays, and ids of rejects, that are kept already, last offered first.
        digest: Digest of the last page that could be read.
        recent: The last usable polls, oldest first: `at`, `items`, `new`, `shared`, `newest` (ISO times).
        requests: Requests sent, by UTC day and endpoint.
        not_before: ISO time before which nothing may be asked, None while the circuit is closed for nothing.
        bans: Bans in a row, without a good answer in between.
        refused: ISO time until which an endpoint is not asked, by `<app>/<endpoint>`.
        fetched: `<table>/<id>` of the last objects fetched, newest last.
        account: `id` of the listener and `lineage` of the consent that it was asked under.
        batches: Ids of the last load packages that carried this memory.
    """

    seen: list[str] = field(default_factory=list)
    digest: str = ""
    recent: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, dict[str, int]] = field(default_factory=dict)
    not_before: str | None = None
    bans: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    account: dict[str, str] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Memory":
        """Take what is known from `stored`; keys of other versions are ignored."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        """The memory as plain JSON values."""
        return asdict(self)

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        fold = _FOLDS.get(event["event"])
        if fold:
            fold(self, event)

    def spent(self, day: str) -> int:
        """API requests of a UTC day (`YYYY-MM-DD`); asking for a token is none."""
        return sum(n for endpoint, n in self.requests.get(day, {}).items() if endpoint != "token")

    def is_open_at(self, now: datetime) -> bool:
        """Whether the API may be asked at `now`; a T beyond the longest ban was written under a wrong clock."""
        if self.not_before is None:
            return True
        left = datetime.fromisoformat(self.not_before) - now
        return not timedelta(0) < left <= timedelta(seconds=LONGEST_BAN)

    def is_refused(self, name: str, now: datetime) -> bool:
        """Whether `<app>/<endpoint>` said no and is not to be asked yet."""
        until = self.refused.get(name)
        return until is not None and now < datetime.fromisoformat(until)

    def merge(self, lake: "Memory") -> None:
        """Take over what another machine wrote to the lake meanwhile; nothing known here is forgotten."""
        self.seen = _unique(self.seen + lake.seen)[:SEEN_KEYS]
        self.fetched = _unique(lake.fetched + self.fetched)[-FETCHED_IDS:]
        if not lake.batches or set(lake.batches) - set(self.batches):  # else a T that is over would come back
            self.not_before = max(filter(None, (self.not_before, lake.not_before)), default=None)
        self.batches = _unique(lake.batches + self.batches)[-BATCHES:]
        self.refused = {**lake.refused, **self.refused}
        self.account = self.account or lake.account
        for day, counts in lake.requests.items():
            mine = self.requests.setdefault(day, {})
            for endpoint, count in counts.items():
                mine[endpoint] = max(count, mine.get(endpoint, 0))


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def rejects_of(event: Event) -> list[dict[str, Any]]:
    """Items of a poll that could not be read; none in a line that was written before they were kept."""
    rejects: list[dict[str, Any]] = event.get("rejects", [])
    return rejects


def _count(memory: Memory, event: Event) -> None:
    day = memory.requests.setdefault(event["day"], {})
    day[event["endpoint"]] = day.get(event["endpoint"], 0) + 1
    for old in sorted(memory.requests)[:-REQUEST_DAYS]:
        del memory.requests[old]


def _see(memory: Memory, event: Event) -> None:
    row = event["row"]
    if row["status"] != 200:
        return
    keys = event["keys"]
    memory.recent = [
        *memory.recent,
        {
            "at": row["polled_at"],
            "items": len(keys),
            "new": len(event["plays"]),
            "shared": len(keys) - len(event["plays"]),
            "newest": row["newest_played_at"],
            "oldest_new": min((play["played_at"] for play in event["plays"]), default=None),
        },
    ][-RECENT_POLLS:]
    memory.seen = _unique([*keys, *(reject["reject_id"] for reject in rejects_of(event)), *memory.seen])[:SEEN_KEYS]
    memory.digest = row["digest"]
    memory.bans = 0


def _fetch(memory: Memory, event: Event) -> None:
    memory.fetched = _unique([*memory.fetched, f"{event['table']}/{event['row']['id']}"])[-FETCHED_IDS:]


def _ban(memory: Memory, event: Event) -> None:
    memory.not_before = event["until"]
    memory.bans += 1


def _refuse(memory: Memory, event: Event) -> None:
    memory.refused = {**memory.refused, event["name"]: event["until"]}


def _meet(memory: Memory, event: Event) -> None:
    memory.account = {"id": event["row"]["account_id"], "lineage": event["lineage"]}


def _lose_lake(memory: Memory, _event: Event) -> None:
    memory.seen, memory.fetched, memory.batches, memory.digest, memory.recent = [], [], [], "", []


_FOLDS = {
    "request": _count,
    "poll": _see,
    "object": _fetch,
    "ban": _ban,
    "refused": _refuse,
    "account": _meet,
    "lake_lost": _lose_lake,
}


def ban_seconds(asked: float | None, bans: int) -> float:
    """How long to stay away: as asked, else an hour that doubles with each ban in a row, at most a day."""
    return asked if asked is not None else min(3600.0 * 2**bans, 86_400.0)


def ban_event(now: datetime, asked: float | None, bans: int) -> Event:
    """The event that opens the circuit until T."""
    return {"event": "ban", "until": (now + timedelta(seconds=ban_seconds(asked, bans))).isoformat()}
