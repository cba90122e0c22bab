"""The write-ahead journal: nothing that the API offered is lost, whatever dies when.

A line of JSON per event, appended before anything else happens, so that a quiet poll costs one line and no load
package. When there is something to load, the pending rows become one batch: the batch's id is written here first, the
id travels in the package's state, and the journal forgets the rows when that state says that the package is committed.
Killed anywhere in between, the next run asks the state and neither loads twice nor forgets.
Data flow: polls, enrichment -> journal file -> Batch -> load package; the lake's state -> journal on an empty machine.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sources.durable import write_whole
from sources.spotify_api.memory import Event, Memory, rejects_of

logger = logging.getLogger("lakehouse.spotify_api")
Row = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Rows on their way into one load package.

    Attributes:
        id: Names the batch in the state that the package carries.
        rows: Rows by bronze table; times are ISO strings.
        memory: The memory that holds once these rows are in the lake, the batch's id included.
    """

    id: str
    rows: Mapping[str, list[Row]]
    memory: Mapping[str, Any]


class Journal:
    """Events of this machine that are not known to be in the lake yet, and the memory that they add up to.

    Attributes:
        memory: The folded memory, pending events included.
        loading: Id of a batch that was handed to the pipeline and not confirmed, None where there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.memory = Memory()
        self.loading: str | None = None
        self._pending: list[Event] = []
        self._handed = 0
        self._torn_at: int | None = None
        self._kept = self._read() if path.exists() else False

    @property
    def is_new(self) -> bool:
        """Whether this machine never wrote a journal: the memory has to come from the lake."""
        return not self._kept

    @property
    def is_pending(self) -> bool:
        """Whether anything happened here that the lake does not know yet."""
        return bool(self._pending)

    def append(self, event: Event) -> None:
        """Write one event, then fold it in. Rows are forced to disk; a count may be lost with the power."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._mend()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
            file.flush()
            if "row" in event or event["event"] == "ban":
                os.fsync(file.fileno())
        self._take(event)
        self._kept = True

    def start_over(self, memory: Memory) -> None:
        """Begin with a given memory and nothing pending."""
        self.memory, self._pending, self.loading = memory, [], None
        self._rewrite()

    def rows(self) -> dict[str, list[Row]]:
        """Pending rows by bronze table."""
        rows: dict[str, list[Row]] = {}
        for table, row in (pair for event in self._pending for pair in _rows_of(event)):
            rows.setdefault(table, []).append(row)
        return rows

    def is_due(self, now: datetime) -> bool:
        """Whether the pending events have to go to the lake now.

        New plays, objects, the account and a ban go at once; polls that brought nothing wait for them, at the latest
        until the UTC day ends.
        """
        return self.loading is not None or any(_is_urgent(event, now) for event in self._pending)

    def prepare(self) -> Batch:
        """Mark everything pending as handed over and return it."""
        batch = uuid4().hex
        self.append({"event": "loading", "batch": batch})
        memory = Memory.from_json({**self.memory.to_json(), "batches": [*self.memory.batches, batch]})
        return Batch(batch, self.rows(), memory.to_json())

    def settle(self, lake: Memory) -> None:
        """Compare with the memory that the lake (or a package on its way there) holds.

        A batch found there is forgotten here; plays and objects that another machine brought are not loaded again.
        """
        if self.loading in lake.batches:
            self._pending = self._pending[self._handed :]
        if set(lake.batches) - set(self.memory.batches) - {self.loading}:
            self._pending = [event for event in map(_without(lake), self._pending) if event]
        self.memory.merge(lake)
        self.loading = None
        self._rewrite()

    def _take(self, event: Event) -> None:
        if event["event"] == "loading":
            self.loading, self._handed = event["batch"], len(self._pending)
        elif event["event"] == "memory":
            self.memory = Memory.from_json(event["memory"])
        elif event["event"] == "lake_lost":
            self.memory.apply(event)
            self._pending = [event for event in map(_of_new_plays, self._pending) if event]
            self.loading = None
        else:
            self.memory.apply(event)
            self._pending.append(event)

    def _read(self) -> bool:
        whole = 0
        with self.path.open("rb") as file:
            for line in file:
                try:
                    event = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._restore(event)
        if whole < self.path.stat().st_size:
            self._torn_at = whole
        return whole > 0

    def _mend(self) -> None:
        # not while reading: a reader beside a poll sees half a line that is about to be whole
        if self._torn_at is not None:
            logger.warning("%s: cut off after %d bytes, where a write was interrupted", self.path.name, self._torn_at)
            os.truncate(self.path, self._torn_at)
            self._torn_at = None

    def _restore(self, event: Event) -> None:
        # pending events after a memory line are folded into it already
        if event["event"] == "pending":
            self._pending.append(event["of"])
        else:
            self._take(event)

    def _rewrite(self) -> None:
        lines = [{"event": "memory", "memory": self.memory.to_json()}]
        lines += [{"event": "pending", "of": event} for event in self._pending]
        write_whole(self.path, "".join(json.dumps(line) + "\n" for line in lines).encode())
        self._kept, self._torn_at = True, None


def _rows_of(event: Event) -> Iterator[tuple[str, Row]]:
    if event["event"] == "poll":
        yield "polls", event["row"]
        yield from (("plays", play) for play in event["plays"])
        yield from (("rejects", reject) for reject in rejects_of(event))
    elif event["event"] == "object":
        yield event["table"], event["row"]
    elif event["event"] == "account":
        yield "accounts", event["row"]


def _is_urgent(event: Event, now: datetime) -> bool:
    if event["event"] == "poll":
        return bool(event["plays"] or rejects_of(event)) or event["row"]["polled_at"][:10] != now.isoformat()[:10]
    return event["event"] in ("object", "account", "ban", "refused")


def _of_new_plays(event: Event) -> Event | None:
    """A poll as a lake may hear of it that lost the plays which were kept before: it names its new plays alone."""
    if event["event"] != "poll" or not event["keys"]:
        return event
    if not event["plays"] and not rejects_of(event):
        return None
    keys = [play_key(play["played_at"], play["track_uri"]) for play in event["plays"]]
    times = [play["played_at"] for play in event["plays"]]
    told = {
        "oldest_played_at": min(times, default=None),
        "newest_played_at": max(times, default=None),
        "item_keys": json.dumps(keys, ensure_ascii=False),
    }
    return {**event, "keys": keys, "row": {**event["row"], **told}}


def _without(lake: Memory) -> "_Filter":
    return _Filter(frozenset(lake.seen), frozenset(lake.fetched))


@dataclass(frozen=True)
class _Filter:
    seen: frozenset[str]
    fetched: frozenset[str]

    def __call__(self, event: Event) -> Event | None:
        if event["event"] == "object":
            return None if f"{event['table']}/{event['row']['id']}" in self.fetched else event
        if event["event"] != "poll":
            return event
        plays = [play for play in event["plays"] if play_key(play["played_at"], play["track_uri"]) not in self.seen]
        rejects = [reject for reject in rejects_of(event) if reject["reject_id"] not in self.seen]
        return {**event, "plays": plays, "rejects": rejects}


def play_key(played_at: str, track_uri: str) -> str:
    """Identity of a play: the time as offered, to the millisecond, and the track."""
    return f"{played_at}|{track_uri}"
