"""What can be made to go wrong, as rules that anybody may switch on, and what each rule does to a request.

Two families: faults of transport spoil single answers (too many requests, errors, cut connections), faults of history
bend what recently-played shows (late, doubled, vanished plays, frozen hours). Chance comes from hashes of the rule and
of what it meets, so that a script of faults does the same each time.

Data flow: `POST /admin/faults` -> Fault -> `sandbox.web` (transport), `sandbox.history` (history).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

from sandbox import ids

TRANSPORT: Mapping[str, str] = {
    "rate_limit": "429 with Retry-After `retry_after` (default 1)",
    "quota": "429 with reason QUOTA_EXCEEDED and Retry-After `retry_after` (default 79892; null: no header)",
    "status": "an error with `status` (default 500) and `message`",
    "unauthorized": "401, the access token expired",
    "slow": "the right answer after `seconds` (default 2)",
    "cut": "the connection ends after `bytes` of the body (default 100; -1: before the status line)",
    "broken_json": "200 with half of the JSON",
    "html": "an HTML page with `status` (default 502)",
    "no_content": "204 without a body",
    "invalid_grant": "400 invalid_grant; on /api/token",
    "deny": "the person says no; on /authorize",
}
HISTORY: Mapping[str, str] = {
    "late": "`share` of the plays arrive up to `seconds` later (default 7200)",
    "duplicate": "`share` of the plays are told twice, the copy `offset_ms` later (default 0)",
    "vanish": "`share` of the plays disappear `after_seconds` (default 0: never told) after they arrived",
    "frozen": "nothing new from `from` to `to`; then all of it, or nothing with `backfill` false",
    "out_of_order": "neighbours on the page change places with chance `share`",
}


@dataclass(frozen=True)
class Fault:
    """One rule.

    Attributes:
        fault_id: Names the rule; also the source of its chance.
        kind: One of TRANSPORT or HISTORY.
        path: Transport: only requests whose path starts so.
        skip: Transport: matching requests to let pass first.
        times: Transport: how often, None for ever.
        share: Chance per request (transport), per play (history).
        from_ms: History: plays that ended from here on, listener's time.
        to_ms: History: plays that ended before, None for no end.
        values: What the kind asks for besides.
    """

    fault_id: int
    kind: str
    path: str = "/v1/"
    skip: int = 0
    times: int | None = 1
    share: float = 1.0
    from_ms: int = 0
    to_ms: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def spans(self, at_ms: int) -> bool:
        """Return whether a time lies within the rule's stretch."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)

    def hits(self, play_number: int) -> bool:
        """Return whether the rule's chance falls on this play."""
        return ids.share("fault", self.fault_id, play_number) < self.share


class Faults:
    """The rules that are switched on."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._faults: dict[int, Fault] = {}
        self._count = 0
        self._met = 0

    def add(self, kind: str, **rule: Any) -> Fault:
        """Switch a rule on.

        Raises:
            ValueError: There is no such kind of fault.
        """
        if kind not in TRANSPORT and kind not in HISTORY:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join([*TRANSPORT, *HISTORY])}")
        own = {name: rule.pop(name) for name in ("path", "skip", "times", "share", "from_ms", "to_ms") if name in rule}
        if "path" not in own and kind in {"invalid_grant", "deny"}:
            own["path"] = "/api/token" if kind == "invalid_grant" else "/authorize"
        with self._lock:
            self._count += 1
            fault = Fault(self._count, kind, **own, values=rule)
            self._faults[fault.fault_id] = fault
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """Switch one rule off, or all."""
        with self._lock:
            if fault_id is None:
                self._faults.clear()
            else:
                self._faults.pop(fault_id, None)

    def listed(self) -> list[Fault]:
        """Return the rules that are on."""
        with self._lock:
            return list(self._faults.values())

    def take(self, path: str) -> Fault | None:
        """Return the transport fault that this request meets, and count it."""
        with self._lock:
            self._met += 1
            for fault in self._faults.values():
                if fault.kind in TRANSPORT and path.startswith(fault.path) and self._is_due(fault):
                    return fault
        return None

    def _is_due(self, fault: Fault) -> bool:
        if fault.skip > 0:
            self._faults[fault.fault_id] = replace(fault, skip=fault.skip - 1)
            return False
        if ids.share("request", fault.fault_id, self._met) >= fault.share:
            return False
        if fault.times is not None:
            self._faults[fault.fault_id] = replace(fault, times=fault.times - 1)
            if fault.times <= 1:
                del self._faults[fault.fault_id]
        return True
