"""One element after another in a buffer that does not parse as a whole: the broken ones become a `Fault`, no more.

A broken element ends where its brackets close or where the next whole row begins, whichever is nearer: one quote too
few turns text and structure around for the rest of the file.

Data flow: buffer -> values and Faults, and what is left of it because its end may still come
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import orjson

NOT_UTF8 = "bytes that are not UTF-8"

ELEMENT_LIMIT = 16 << 20
"""Longest element in bytes; whatever is longer is no listening history."""

BOUNDARY = re.compile(rb"[}\]][ \t\r\n]*(,)[ \t\r\n]*(?=[{\[])")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,\[\]{}"]+', re.DOTALL)
_TAIL = re.compile(rb'\}|,[ \t\r\n]*"')
SPACE = b" \t\r\n"
TRIES = 3
_CANDIDATES = 100
_INDENT = 64
_PATIENCE = 64 << 20


@dataclass(frozen=True)
class Fault:
    """An element that cannot be read; its bytes are not kept, since nobody can tell what is in them."""

    reason: str


def is_tail(rest: bytes) -> bool:
    """Whether this may follow the list: nothing, or what else the object holds that the list lies in."""
    return not rest.strip(SPACE) or bool(_TAIL.match(rest.lstrip(SPACE)))


def parsed(piece: bytes) -> object:
    """One JSON value, or a `Fault`."""
    try:
        return orjson.loads(piece)
    except orjson.JSONDecodeError:
        return Fault(_why(piece))


def _why(piece: bytes) -> str:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return "broken JSON"


class Walker:
    """Goes through a buffer element by element, and gives up on looking far ahead once that has cost enough."""

    def __init__(self) -> None:
        self.closed = False
        self._faulty = False
        self._keys: set[str] = set()
        self._widest = 0
        self._is_paged = False
        self._patience = _PATIENCE
        self._found = 0, -1

    def walk(self, buffer: bytes, *, at_end: bool) -> tuple[list[object], bytes]:
        """The elements of a buffer, and what is left of it because its end may still come."""
        values: list[object] = []
        self._found = 0, -1
        at = _skip(buffer, 0)
        while at < len(buffer):
            if self.closed or buffer[at : at + 1] == b"]":
                ahead = self._after_close(buffer, at, values, at_end=at_end)
            else:
                ahead = self._element(buffer, at, values, at_end=at_end)
            if ahead < 0:
                return values, buffer[at:]
            at = _skip(buffer, ahead)
        if at_end and not self.closed:
            values.append(Fault("the file is cut off: its list is not closed"))
        return values, b""

    def learn(self, value: object) -> None:
        """Remembers the keys of a whole row, so that an object inside a broken row is not taken for one."""
        self._is_paged = isinstance(value, list)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict) and value:
            self._keys |= value.keys()
            self._widest = max(self._widest, len(value))

    def _after_close(self, buffer: bytes, at: int, values: list[object], *, at_end: bool) -> int:
        """A `]` may stand there by damage, or belong to a broken row: rows after it are still rows."""
        rest = buffer[at if self.closed else at + 1 :].lstrip(SPACE)
        is_over = not self._faulty and (self.closed or bool(_TAIL.match(rest)))
        following = -1 if is_over else self._resync(buffer, len(buffer) - len(rest))
        if not (is_over or self.closed or at_end) and following < 0 and len(buffer) - at < ELEMENT_LIMIT:
            return -1
        if not self._faulty and not is_over and rest:
            values.append(Fault("text after the end of the list"))
        self._faulty = self._faulty or following >= 0
        self.closed = following < 0
        return following if following >= 0 else len(buffer)

    def _element(self, buffer: bytes, at: int, values: list[object], *, at_end: bool) -> int:
        """Adds the element at an offset and gives the offset after its comma; -1 if more bytes must come first."""
        end = self._end(buffer, at)
        after = _skip(buffer, end) if end >= 0 else len(buffer)
        if after >= len(buffer) and not at_end and len(buffer) - at < ELEMENT_LIMIT:
            return -1
        value = parsed(buffer[at:end]) if end >= 0 else Fault("")
        follows = buffer[after : after + 1]
        if isinstance(value, Fault) or not self._ends(value, follows):
            return self._fault(buffer, at, values, at_end=at_end)
        faults: list[object] = []
        ahead = after + (follows == b",")
        if follows not in (b",", b"]", b"{", b""):
            ahead = self._fault(buffer, after, faults, at_end=at_end)
        if ahead >= 0:
            self.learn(value)
            values.extend([value, *faults])
        return ahead

    def _ends(self, value: object, follows: bytes) -> bool:
        """Whether an element ends before that byte; a stray `"` or `[` makes text or a list of the rows behind it."""
        if isinstance(value, list) and not self._is_paged:
            return follows in (b",", b"]")
        return isinstance(value, dict | list) or follows in (b",", b"]", b"{", b"")

    def _fault(self, buffer: bytes, at: int, values: list[object], *, at_end: bool) -> int:
        """Adds a broken element, and gives the offset where the next one begins; -1 if more bytes must come first."""
        end = self._end(buffer, at)
        following = self._resync(buffer, at + 1)
        if end >= 0 and not 0 <= following < end and self._goes_on(buffer, end):
            self._faulty = True
            values.append(Fault(_why(buffer[at:end])))
            return _after_comma(buffer, end)
        if following < 0 and not at_end and len(buffer) - at < ELEMENT_LIMIT:
            return -1
        self._faulty = True
        is_last = following < 0 and at_end
        is_cut = is_last and not buffer.rstrip(SPACE).endswith(b"]")
        self.closed = self.closed or is_last
        following = following if following >= 0 else len(buffer)
        values.append(Fault("cut off in the middle of a row" if is_cut else _why(buffer[at:following])))
        return following

    def _goes_on(self, buffer: bytes, end: int) -> bool:
        """Whether a broken element really ends there: after some more like it comes a whole one, or the list's end."""
        for _ in range(_CANDIDATES):
            after = _skip(buffer, end)
            if buffer[after : after + 1] == b"]":
                return not buffer[after + 1 :].strip(SPACE)
            start = _after_comma(buffer, end)
            end = self._end(buffer, start) if start > after else -1
            if end < 0:
                return False
            if not isinstance(parsed(buffer[start:end]), Fault):
                return True
        return False

    def _resync(self, buffer: bytes, at: int) -> int:
        """The next offset where a whole row begins; -1 if there is none. It is kept: broken rows come in thousands."""
        asked, found = self._found
        if not asked <= at <= found:
            self._found = at, next((start for start in _starts(buffer, at) if self._begins(buffer, start)), len(buffer))
        found = self._found[1]
        return found if found < len(buffer) else -1

    def _begins(self, buffer: bytes, at: int) -> bool:
        end = self._end(buffer, at)
        return end >= 0 and self._is_row(parsed(buffer[at:end]))

    def _is_row(self, value: object) -> bool:
        """Whether what parses is a row like those before, and no object or text (`{}`) inside a broken one."""
        if not isinstance(value, dict) or not value:
            return False
        return len(value) > self._widest or 2 * len(self._keys & value.keys()) > len(value)

    def _end(self, buffer: bytes, at: int) -> int:
        if buffer[at : at + 1] not in (b"{", b"["):
            match = _SCALAR.match(buffer, at)
            return match.end() if match else -1
        quick = [match.start(1) for match in islice(BOUNDARY.finditer(buffer, at, at + (64 << 10)), TRIES)]
        whole = next((end for end in quick if not isinstance(parsed(buffer[at:end]), Fault)), -1)
        if whole >= 0 or (quick and self._patience <= 0):
            return whole if whole >= 0 else quick[0]
        return self._balanced(buffer, at)

    def _balanced(self, buffer: bytes, at: int) -> int:
        depth = 0
        end = -1
        for match in _TOKEN.finditer(buffer, at):
            depth += (match[0] in (b"{", b"[")) - (match[0] in (b"}", b"]"))
            if depth == 0:
                end = match.end()
                break
        self._patience -= (end if end >= 0 else len(buffer)) - at
        return end


def _starts(buffer: bytes, at: int) -> Iterator[int]:
    """Offsets of the braces that may begin a row: what follows a key is a value."""
    start = buffer.find(b"{", at)
    while start >= 0:
        before = buffer[max(0, start - _INDENT) : start].rstrip(SPACE)
        if not (before.endswith(b":") and before[:-1].rstrip(SPACE).endswith(b'"')):
            yield start
        start = buffer.find(b"{", start + 1)


def _skip(buffer: bytes, at: int) -> int:
    while buffer[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    return at


def _after_comma(buffer: bytes, at: int) -> int:
    after = _skip(buffer, at)
    return _skip(buffer, after + 1) if buffer[after : after + 1] == b"," else after
