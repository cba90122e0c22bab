"""Reading a page of recently played tracks.

Every poll asks for all fifty items without a cursor: plays arrive late, out of order and after hours of silence, and
the cursors of the API are off by one, so a watermark would lose rows. What was kept before is known by its key.
Data flow: Answer -> Page -> poll event (one poll row, the plays that are new, what cannot be read) -> journal.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sources.spotify_api.answers import Answer, Verdict
from sources.spotify_api.journal import play_key
from sources.spotify_api.memory import Event, Memory

logger = logging.getLogger("lakehouse.spotify_api")
PAGE_SIZE = 50
DRIFT = timedelta(minutes=5)
"""By which this machine's clock may differ from Spotify's, the time of the answer included."""


@dataclass(frozen=True)
class Item:
    """One play of a page.

    Attributes:
        played_at: UTC, ISO 8601, milliseconds, `Z`.
        track: The track object as received.
        payload: The item's JSON.
    """

    played_at: str
    track: Mapping[str, Any]
    payload: str

    @property
    def uri(self) -> str:
        """URI of the track, empty where it has none."""
        return str(self.track.get("uri") or "")

    @property
    def track_id(self) -> str | None:
        """Id of the track; None where it has none, or one that is no text."""
        given = self.track.get("id")
        return given if isinstance(given, str) else None

    @property
    def key(self) -> str:
        """Identity of the play."""
        return play_key(self.played_at, self.uri)


def read_page(answer: Answer) -> tuple[Item, ...]:
    """Items of a page, newest first as offered, each once; none if the answer is no page.

    An item without a readable time cannot be told from another and is left out: it is among the rejects of its poll.
    """
    read = [item for item in map(_item, _raw_items(answer)) if item]
    return tuple({item.key: item for item in read}.values())


def poll_event(answer: Answer, memory: Memory, polled_at: datetime) -> Event:
    """The journal's event for one poll: its row, the keys of its page, the plays and the rejects that are new.

    Args:
        answer: What the API said; an answer that is no page makes a row with its status and no items.
        memory: Knows which plays are kept.
        polled_at: When the request was sent, UTC.
    """
    items = read_page(answer)
    seen = frozenset(memory.seen)
    row = _poll_row(answer, items, polled_at)
    plays = [_play_row(item, row) for item in items if item.key not in seen]
    rejects = [reject for reject in _rejects(answer, row) if reject["reject_id"] not in seen]
    if rejects:
        logger.warning("%d items of a page have no readable time: see bronze.spotify_api__rejects", len(rejects))
    return {"event": "poll", "row": row, "keys": [item.key for item in items], "plays": plays, "rejects": rejects}


def polled_at(answer: Answer, clock: datetime) -> datetime:
    """When a page was asked for: by this machine's clock, or by Spotify's where that shows the clock to be wrong.

    The ledger knows pages by their order, which one poll under a wrong clock would upset for ever.
    """
    if answer.sent_at is None or abs(answer.sent_at - clock) <= DRIFT:
        return clock
    logger.warning("the clock of this machine says %s, and Spotify's %s", clock.isoformat(), answer.sent_at.isoformat())
    return answer.sent_at


def _raw_items(answer: Answer) -> list[Any]:
    items = (answer.body or {}).get("items") if answer.verdict is Verdict.OK else None
    return items if isinstance(items, list) else []


def _rejects(answer: Answer, poll: Mapping[str, Any]) -> list[dict[str, Any]]:
    texts = dict.fromkeys(_json(raw) for raw in _raw_items(answer) if _played_at(raw) is None)
    return [
        {
            "reject_id": hashlib.sha256(text.encode()).hexdigest()[:32],
            "poll_id": poll["poll_id"],
            "offered_at": poll["polled_at"],
            "reason": "played_at is no time that can be read",
            "raw": text,
        }
        for text in texts
    ]


def _played_at(raw: Any) -> str | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("played_at"), str):
        return None
    try:
        return iso_ms(datetime.fromisoformat(raw["played_at"]))
    except (ValueError, OverflowError):  # a zone can shift the first day out of the calendar
        return None


def _item(raw: Any) -> Item | None:
    played_at = _played_at(raw)
    if played_at is None:
        return None
    track = raw.get("track")
    return Item(played_at, track if isinstance(track, dict) else {}, _json(raw))


def iso_ms(time: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`; a time without a zone is UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _poll_row(answer: Answer, items: tuple[Item, ...], polled_at: datetime) -> dict[str, Any]:
    keys = [item.key for item in items]
    times = sorted(item.played_at for item in items)
    return {
        "poll_id": f"{polled_at:%Y%m%dT%H%M%S}-{uuid4().hex[:12]}",
        "polled_at": polled_at.astimezone(UTC).isoformat(),
        "status": answer.status,
        "item_count": len(_raw_items(answer)),  # as offered: a page of fifty stays full, whatever cannot be read
        "oldest_played_at": times[0] if times else None,
        "newest_played_at": times[-1] if times else None,
        "digest": hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32],
        "item_keys": json.dumps(keys, ensure_ascii=False),
    }


def _play_row(item: Item, poll: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "poll_id": poll["poll_id"],
        "offered_at": poll["polled_at"],
        "played_at": item.played_at,
        "track_id": item.track_id,
        "track_uri": item.uri,
        "payload": item.payload,
    }
