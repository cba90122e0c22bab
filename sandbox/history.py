"""Recently played: which plays the API shows at a moment, and one page of them.

The API tells of the last fifty plays and nothing older. Plays without a connection come late and take their place by
the time of the play, so that a late one can come too late to be shown at all.

Data flow: store, faults of history -> the fifty visible plays -> page with cursors.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from sandbox import ids
from sandbox.faults import HISTORY, Fault, Faults
from sandbox.play import Play
from sandbox.shapes import Json, Shapes
from sandbox.store import Store

DEPTH = 50
"""Plays that the API remembers."""


class BadRequestError(Exception):
    """A query that Spotify refuses with 400."""


class History:
    """The listener's plays as the API sees them."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store, self.faults = store, faults

    def visible(self, now_ms: int) -> list[Play]:
        """Return what the API would show at this moment, newest first."""
        rules = _Rules(self.faults.listed())
        now_ms = rules.thawed(now_ms)
        reach = 2 * DEPTH
        while True:
            candidates = self.store.offerable(now_ms, reach)
            shown = [told for play in candidates if rules.shows(play, now_ms) for told in rules.told(play)]
            shown.sort(key=lambda play: (-play.played_ms, -play.number))
            if len(shown) >= DEPTH or len(candidates) < reach:
                return rules.mixed([play for play in shown if play.played_ms <= now_ms][:DEPTH])
            reach *= 8


class _Rules:
    """The faults of history that are on at one moment."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = {kind: [fault for fault in faults if fault.kind == kind] for kind in HISTORY}

    def thawed(self, now_ms: int) -> int:
        return min([now_ms, *(fault.from_ms for fault in self._faults["frozen"] if fault.spans(now_ms))])

    def shows(self, play: Play, now_ms: int) -> bool:
        arrived = play.arrived_ms
        for fault in self._of(play, "late"):
            delay = ids.share("delay", fault.fault_id, play.number) * float(fault.values.get("seconds", 7200))
            arrived = max(arrived, play.played_ms + int(delay * 1000))
        for fault in self._faults["frozen"]:
            if fault.spans(arrived) and not fault.values.get("backfill", True):
                return False
        gone = [arrived + int(1000 * fault.values.get("after_seconds", 0)) for fault in self._of(play, "vanish")]
        return arrived <= now_ms and not any(at <= now_ms for at in gone)

    def told(self, play: Play) -> list[Play]:
        copies = [int(fault.values.get("offset_ms", 0)) for fault in self._of(play, "duplicate")]
        return [play, *(replace(play, played_ms=play.played_ms + offset) for offset in copies)]

    def mixed(self, plays: list[Play]) -> list[Play]:
        for fault in self._faults["out_of_order"]:
            for place in range(len(plays) - 1):
                if fault.spans(plays[place].ended_ms) and fault.hits(plays[place].number):
                    plays[place], plays[place + 1] = plays[place + 1], plays[place]
        return plays

    def _of(self, play: Play, kind: str) -> list[Fault]:
        return [fault for fault in self._faults[kind] if fault.spans(play.ended_ms) and fault.hits(play.number)]


def page(plays: list[Play], query: Mapping[str, str], url: str, shapes: Shapes) -> tuple[Json, list[Play]]:
    """Return one page of the visible plays and the plays on it.

    Args:
        plays: What is visible, newest first.
        query: `limit` 1 to 50, default 20; `after` or `before` in milliseconds, both exclusive.
        url: Address of the endpoint, for `href` and `next`.
        shapes: Makes the items.

    Raises:
        BadRequestError: A parameter is wrong.
    """
    limit = _whole(query, "limit", 20)
    if not 1 <= limit <= DEPTH:
        raise BadRequestError("Invalid limit")
    if "after" in query and "before" in query:
        raise BadRequestError("Only one of 'before' and 'after' may be specified")
    after, before = _whole(query, "after", -1), _whole(query, "before", 2**63)
    chosen = [play for play in plays if after < play.played_ms < before][:limit]
    asked = {name: query[name] for name in ("before", "after", "limit") if name in query}
    body: Json = {
        "items": [shapes.item(play) for play in chosen],
        "next": None,
        "cursors": None,
        "limit": limit,
        "href": f"{url}?{urlencode(asked)}" if asked else url,
    }
    if chosen:
        newest, oldest = max(play.played_ms for play in chosen), min(play.played_ms for play in chosen)
        # recorded answers name the newest play or one millisecond before it
        body["cursors"] = {"after": str(newest - (newest % 2 == 0)), "before": str(oldest)}
        if len(chosen) == limit:
            ahead = {"after": newest} if "after" in query else {"before": oldest}
            body["next"] = f"{url}?{urlencode({**ahead, 'limit': limit})}"
    return body, chosen


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(query.get(name, default))
    except ValueError:
        raise BadRequestError(f"Invalid {name}") from None
