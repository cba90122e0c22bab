"""The admin routes: time, truth, faults, tokens and the log of requests, for tests and for the curious.

Data flow: `/admin/...` -> a change of the world or of the server -> Answer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sandbox.accounts import Accounts
from sandbox.answer import Answer, Request, refusal
from sandbox.faults import Fault, Faults
from sandbox.play import Play, moment
from sandbox.shapes import Json, Shapes, iso
from sandbox.world import World

ROUTES = {
    "GET /admin": "this list",
    "GET /admin/now": "the listener's time",
    "POST /admin/advance": "move the listener's time on by `seconds`",
    "GET /admin/plays": "the truth: plays from `from` to `to`, and whether the API ever told of each",
    "POST /admin/plays": "add a play",
    "GET /admin/faults": "the faults that are on",
    "POST /admin/faults": "switch a fault on: `kind` and its values",
    "DELETE /admin/faults": "switch off the fault of `id`, or all",
    "POST /admin/mode": "`quota`: development or extended",
    "POST /admin/tokens": "`revoke`, `expire_access`, `rotate`, `access_seconds`, `refresh_days`",
    "POST /admin/client": "`redirect_uris` of the app; null: any loopback literal",
    "GET /admin/requests": "what was asked of the server, oldest first",
    "DELETE /admin/requests": "empty that list",
    "POST /admin/reset": "the world as it was made: time, plays, tokens, faults, mode",
}
KEPT_REQUESTS = 100_000


class Admin:
    """Everything under `/admin`."""

    def __init__(self, world: World, shapes: Shapes, faults: Faults, accounts: Accounts) -> None:
        self.world, self.shapes, self.faults, self.accounts = world, shapes, faults, accounts
        self.requests: deque[Json] = deque(maxlen=KEPT_REQUESTS)
        self._routes: dict[str, Callable[[Json], Any]] = {
            "GET /admin": lambda _: ROUTES,
            "GET /admin/now": lambda _: self._now(),
            "POST /admin/advance": self._advance,
            "GET /admin/plays": self._plays,
            "POST /admin/plays": self._add_play,
            "GET /admin/faults": lambda _: [_told(fault) for fault in self.faults.listed()],
            "POST /admin/faults": self._add_fault,
            "DELETE /admin/faults": self._remove_faults,
            "POST /admin/mode": self._mode,
            "POST /admin/tokens": self._tokens,
            "POST /admin/client": self._client,
            "GET /admin/requests": lambda _: list(self.requests),
            "DELETE /admin/requests": lambda _: self.requests.clear(),
            "POST /admin/reset": lambda _: self._reset(),
        }

    def answer(self, request: Request, values: Json) -> Answer:
        """Answer an admin request; `values` are those of query and JSON body."""
        route = self._routes.get(f"{request.method} {request.path.rstrip('/')}")
        if route is None:
            return refusal(404, f"GET /admin lists the routes; {request.method} {request.path} is none of them")
        try:
            done = route(values)
            return Answer(200, {"done": True} if done is None else done)
        except (ValueError, TypeError, LookupError) as error:
            return refusal(400, str(error))

    def _now(self) -> Json:
        return {"now": iso(self.world.now_ms), "now_ms": self.world.now_ms}

    def _advance(self, values: Json) -> Json:
        self.world.advance(timedelta(seconds=float(values["seconds"])))
        return self._now()

    def _plays(self, values: Json) -> list[Json]:
        from_ms, to_ms = time_ms(values.get("from", 0)), time_ms(values.get("to", self.world.now_ms + 1))
        offers = self.world.store.offers()
        found = self.world.plays(moment(from_ms), moment(to_ms))
        return [_lived(play, offers.get(play.number, (None, 0))) for play in found]

    def _add_play(self, values: Json) -> Json:
        return _lived(self.world.add(self._made(values)), (None, 0))

    def _made(self, values: Json) -> Play:
        kind, item_id = values.get("kind", "track"), str(values.get("track_id") or values.get("item_id"))
        track = self.world.store.track(item_id) if kind == "track" else None
        if kind == "track" and track is None:
            raise LookupError(f"the world has no track {item_id}; GET /admin/plays shows some that it has")
        ended = time_ms(values.get("ended_at", self.world.now_ms))
        heard = int(values.get("ms_played", track.duration_ms if track else 180_000))
        played = time_ms(values.get("played_at", ended))
        is_skipped, arrived = bool(values.get("skipped", False)), time_ms(values.get("arrived_at", played))
        return Play(
            0, time_ms(values.get("started_at", ended - heard)), ended, played, arrived,
            heard, kind, item_id, str(values.get("name", "")), str(values.get("owner", "")),
            str(values.get("context_uri", "")), str(values.get("platform", "ios")), "clickrow",
            "fwdbtn" if is_skipped else "trackdone", False, is_skipped, bool(values.get("offline", False)),
            bool(values.get("incognito", False)),
        )  # fmt: skip

    def _add_fault(self, values: Json) -> Json:
        rule = dict(values)
        kind = str(rule.pop("kind", ""))
        now = self.world.now_ms
        if "from" in rule:
            rule["from_ms"] = time_ms(rule.pop("from"))
        elif kind == "frozen":
            rule["from_ms"] = now
        if "to" in rule:
            rule["to_ms"] = time_ms(rule.pop("to"))
        elif kind == "frozen" and "seconds" in rule:
            rule["to_ms"] = rule["from_ms"] + int(float(rule.pop("seconds")) * 1000)
        return _told(self.faults.add(kind, **rule))

    def _remove_faults(self, values: Json) -> None:
        self.faults.remove(int(values["id"]) if "id" in values else None)

    def _mode(self, values: Json) -> Json:
        if values.get("quota") not in {"development", "extended"}:
            raise ValueError("quota is development or extended")
        self.shapes.is_extended = values["quota"] == "extended"
        return {"quota": values["quota"]}

    def _tokens(self, values: Json) -> Json:
        if values.get("revoke"):
            self.accounts.revoke()
        if values.get("expire_access"):
            self.accounts.expire_access()
        if "refresh_days" in values:
            self.accounts.set_life(values["refresh_days"])
        self.accounts.rotates = bool(values.get("rotate", self.accounts.rotates))
        self.accounts.access_seconds = int(values.get("access_seconds", self.accounts.access_seconds))
        return {"rotate": self.accounts.rotates, "access_seconds": self.accounts.access_seconds}

    def _client(self, values: Json) -> Json:
        self.accounts.redirect_uris = values["redirect_uris"]
        return {"client_id": self.accounts.client_id, "redirect_uris": self.accounts.redirect_uris}

    def _reset(self) -> Json:
        self.faults.remove()
        self.accounts.reset()
        self.shapes.is_extended = False
        self.requests.clear()
        self.world.reset()
        return self._now()


def time_ms(value: Any) -> int:
    """Return a time given as ISO text or as milliseconds since 1970."""
    from datetime import UTC, datetime

    if isinstance(value, (int, float)) or str(value).isdecimal():
        return int(value)
    at = datetime.fromisoformat(str(value))
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _lived(play: Play, offer: tuple[int | None, int]) -> Json:
    first, times = offer
    return asdict(play) | {
        "uri": play.uri,
        "played_at": iso(play.played_ms),
        "is_offerable": play.is_offerable,
        "was_offered": times > 0,
        "first_offered_at": iso(first) if first is not None else None,
        "times_offered": times,
    }


def _told(fault: Fault) -> Json:
    values = asdict(fault)
    return {"id": values.pop("fault_id")} | values
