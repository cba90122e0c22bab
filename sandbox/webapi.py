"""The Web API: which path answers what, to whom.

Development mode, as it is since 2026: single GETs of track, album and artist, the listener's own endpoints; batch
endpoints and audio features are gone with 403. Extended quota brings them back.

Data flow: Request, Grant -> Answer.
"""

import re
from collections import Counter
from collections.abc import Callable

from sandbox.accounts import Grant
from sandbox.answer import Answer, Request, refusal
from sandbox.history import BadRequestError, History, page
from sandbox.shapes import Json, Shapes
from sandbox.world import World

_BASE62 = re.compile(r"[0-9A-Za-z]{22}")
_ONE = re.compile(r"/v1/(tracks|albums|artists|audio-features)/([^/]+)")
_MANY = re.compile(r"/v1/(tracks|albums|artists|audio-features)")
_TOP = re.compile(r"/v1/me/top/(artists|tracks)")
_REMOVED = re.compile(
    r"/v1/((tracks|albums|artists|episodes|shows|audiobooks|chapters|audio-features|recommendations|markets)"
    r"|audio-(features|analysis)/.+|artists/[^/]+/(top-tracks|related-artists)|browse/.+|users/.+)"
)
_RANGE_DAYS = {"short_term": 28, "medium_term": 183, "long_term": 365}
_MAXIMUM = {"tracks": 50, "albums": 20, "artists": 50, "audio-features": 100}


class WebApi:
    """Everything under `/v1/`."""

    def __init__(self, world: World, shapes: Shapes, history: History) -> None:
        self.world, self.shapes, self.history = world, shapes, history
        self._own: dict[str, tuple[str, Callable[[Request, str], Answer]]] = {
            "/v1/me": ("", self._me),
            "/v1/me/player/recently-played": ("user-read-recently-played", self._recently_played),
            "/v1/me/player/currently-playing": ("user-read-currently-playing", self._silence),
        }

    def answer(self, request: Request, grant: Grant, base: str) -> Answer:
        """Answer a request of an app that holds a grant.

        Args:
            request: What came in.
            grant: What the token may do.
            base: Scheme, host and port of this server, for `href` and `next`.
        """
        if request.method != "GET":
            return refusal(405, "Method not allowed")
        if request.path in self._own:
            scope, respond = self._own[request.path]
            return self._personal(grant, scope) or respond(request, base)
        top = _TOP.fullmatch(request.path)
        if top:
            return self._personal(grant, "user-top-read") or self._top(top[1], request, base)
        return self._public(request)

    def _personal(self, grant: Grant, scope: str) -> Answer | None:
        if not grant.is_user:
            return refusal(401, "Valid user authentication required")
        if scope and scope not in grant.scope.split():
            return refusal(403, "Insufficient client scope")
        return None

    def _public(self, request: Request) -> Answer:
        is_extended = self.shapes.is_extended
        if not is_extended and _REMOVED.fullmatch(request.path):
            return refusal(403, "Forbidden")
        one, many = _ONE.fullmatch(request.path), _MANY.fullmatch(request.path)
        if one:
            return self._one(one[1], one[2])
        return self._many(many[1], request.query.get("ids", "")) if many else refusal(404, "Service not found")

    def _one(self, kind: str, item_id: str) -> Answer:
        if not _BASE62.fullmatch(item_id):
            return refusal(400, "Invalid base62 id")
        found = self._find(kind, item_id)
        return Answer(200, found) if found else refusal(404, "Resource not found")

    def _many(self, kind: str, listed: str) -> Answer:
        item_ids = [item_id for item_id in listed.split(",") if item_id]
        if not item_ids or not all(map(_BASE62.fullmatch, item_ids)):
            return refusal(400, "Invalid base62 id")
        if len(item_ids) > _MAXIMUM[kind]:
            return refusal(400, "Too many ids requested")
        return Answer(200, {kind.replace("-", "_"): [self._find(kind, item_id) for item_id in item_ids]})

    def _find(self, kind: str, item_id: str) -> Json | None:
        store, shapes = self.world.store, self.shapes
        if kind == "albums":
            album = store.album(item_id)
            return shapes.album(album) if album else None
        if kind == "artists":
            artist = store.artist(item_id)
            return shapes.artist(artist) if artist else None
        track = store.track(item_id)
        if track is None:
            return None
        return shapes.track(track) if kind == "tracks" else shapes.audio_features(track)

    def _me(self, _: Request, __: str) -> Answer:
        return Answer(200, self.shapes.me(self.world.seed))

    def _silence(self, _: Request, __: str) -> Answer:
        return Answer(204, None)

    def _recently_played(self, request: Request, base: str) -> Answer:
        visible = self.history.visible(self.world.now_ms)
        try:
            body, told = page(visible, request.query, f"{base}{request.path}", self.shapes)
        except BadRequestError as error:
            return refusal(400, str(error))
        return Answer(200, body, offered=tuple(play.number for play in told))

    def _top(self, kind: str, request: Request, base: str) -> Answer:
        days = _RANGE_DAYS.get(request.query.get("time_range", "medium_term"))
        limit, offset = request.query.get("limit", "20"), request.query.get("offset", "0")
        if days is None or not limit.isdecimal() or not offset.isdecimal() or not 1 <= int(limit) <= 50:
            return refusal(400, "Invalid limit or time range")
        ranked = self._ranked(kind, days)
        first, count = int(offset), int(limit)
        playable = {"is_playable": True} if kind == "tracks" else {}
        found = (self._find(kind, item_id) for item_id in ranked[first : first + count])
        chosen = [item | playable for item in found if item]
        address = f"{base}{request.path}"
        ahead = f"{address}?offset={first + count}&limit={count}" if first + count < len(ranked) else None
        back = f"{address}?offset={max(0, first - count)}&limit={count}" if first else None
        return Answer(200, {"items": chosen, "total": len(ranked), "limit": count, "offset": first, "href": address,
                            "next": ahead, "previous": back})  # fmt: skip

    def _ranked(self, kind: str, days: int) -> list[str]:
        now = self.world.now_ms
        plays = self.world.store.plays(now - days * 86_400_000, now + 1)
        counted = Counter(play.item_id for play in plays if play.is_offerable and play.kind == "track")
        if kind == "artists":
            by_artist: Counter[str] = Counter()
            for track_id, count in counted.items():
                track = self.world.store.track(track_id)
                by_artist[track.artists[0] if track else ""] += count
            counted = by_artist
        return [item_id for item_id, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))][:1000]
