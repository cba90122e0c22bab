"""Elements of a JSON array, of JSON lines, or of an array inside an object, in chunks and without holding the file.

A chunk is cut where one element seems to end (`}` `,` `{`) and parsed whole by orjson. If the cut was inside a string
or inside a nested value, the parse must fail, since something stays unclosed; so a chunk that parses was cut right.
Only a chunk that does not parse is walked element by element, and only the elements that are broken become a `Fault`:
one bad byte costs one row.

Data flow: blocks of utf-8 bytes -> lists of values and Faults, in the file's order.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import orjson

NOT_UTF8 = "bytes that are not UTF-8"

ELEMENT_LIMIT = 16 << 20
"""Longest element in bytes; whatever is longer is no listening history."""

_BOUNDARY = re.compile(rb"[}\]][ \t\r\n]*(,)[ \t\r\n]*(?=[{\[])")
_NEXT_OBJECT = re.compile(rb",[ \t\r\n]*(?=\{)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,\[\]{}"]+', re.DOTALL)
_SPACE = b" \t\r\n"
_TRIES = 3
_CANDIDATES = 100
_PATIENCE = 64 << 20


@dataclass(frozen=True)
class Fault:
    """An element that cannot be read; its bytes are not kept, since nobody can tell what is in them."""

    reason: str


def array(blocks: Iterator[bytes], start: int = 0) -> Iterator[list[object]]:
    """Yields the elements of an array.

    Args:
        blocks: The file's bytes, utf-8.
        start: Offset of the first byte after the array's `[`; must lie in the first block.

    Yields:
        Lists of parsed elements, broken ones as `Fault`.
    """
    walker = _Walker()
    buffer = next(blocks, b"")[start:]
    for block in blocks:
        buffer += block
        values, buffer = walker.walk(buffer, at_end=False) if walker.closed else _cut(buffer, walker)
        yield values
    yield walker.walk(buffer, at_end=True)[0] if walker.closed else _last(buffer, walker)


def lines(blocks: Iterator[bytes]) -> Iterator[list[object]]:
    """Yields the values of JSON lines; blank lines are no rows."""
    buffer = b""
    for block in blocks:
        buffer += block
        whole, newline, rest = buffer.rpartition(b"\n")
        if newline:
            buffer = rest
            yield _lines(whole)
        elif len(buffer) > ELEMENT_LIMIT:
            yield [Fault("a line longer than any listen")]
            buffer = b""
    yield _lines(buffer)


def sample(head: bytes, start: int, count: int = 50) -> list[object]:
    """The first whole elements of an array, from the beginning of a file."""
    return _Walker().walk(head[start:], at_end=False)[0][:count]


def _cut(buffer: bytes, walker: "_Walker") -> tuple[list[object], bytes]:
    for end, start in _boundaries(buffer):
        try:
            return orjson.loads(b"[" + buffer[:end] + b"]"), buffer[start:]
        except orjson.JSONDecodeError:
            continue
    return walker.walk(buffer, at_end=False)


def _boundaries(buffer: bytes) -> list[tuple[int, int]]:
    tail = max(0, len(buffer) - (64 << 10))
    found = [(match.start(1), match.end(1)) for match in _BOUNDARY.finditer(buffer, tail)]
    return found[: -_TRIES - 1 : -1]


def _last(buffer: bytes, walker: "_Walker") -> list[object]:
    end = buffer.rfind(b"]")
    if end >= 0 and _is_tail(buffer[end + 1 :]):
        try:
            values: list[object] = orjson.loads(b"[" + buffer[: end + 1])
        except orjson.JSONDecodeError:
            pass
        else:
            return values
    return walker.walk(buffer, at_end=True)[0]


def _is_tail(rest: bytes) -> bool:
    return not rest.strip(_SPACE) or rest.lstrip(_SPACE)[:1] in (b"}", b",")


def _lines(whole: bytes) -> list[object]:
    pieces = [line for line in whole.split(b"\n") if line.strip(_SPACE)]
    try:
        values: list[object] = orjson.loads(b"[" + b",".join(pieces) + b"]")
    except orjson.JSONDecodeError:
        values = []
    return values if len(values) == len(pieces) else [parsed(piece) for piece in pieces]


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


class _Walker:
    """Goes through a buffer element by element, and gives up on looking far ahead once that has cost enough."""

    def __init__(self) -> None:
        self.closed = False
        self._faulty = False
        self._patience = _PATIENCE

    def walk(self, buffer: bytes, *, at_end: bool) -> tuple[list[object], bytes]:
        """The elements of a buffer, and what is left of it because its end may still come."""
        values: list[object] = []
        at = _skip(buffer, 0)
        while at < len(buffer):
            if self.closed or buffer[at : at + 1] == b"]":
                at = self._after_close(buffer, at, values)
            else:
                ahead = self._element(buffer, at, values, at_end=at_end)
                if ahead < 0:
                    return values, buffer[at:]
                at = _skip(buffer, ahead)
        if at_end and not self.closed:
            values.append(Fault("the file is cut off: its list is not closed"))
        return values, b""

    def _after_close(self, buffer: bytes, at: int, values: list[object]) -> int:
        """A `]` that follows a broken row may belong to that row: rows after it are still rows."""
        was_closed, self.closed = self.closed, True
        rest = at if was_closed else at + 1
        if self._faulty:
            following = self._resync(buffer, rest)
            self.closed = following < 0
            return following if following >= 0 else len(buffer)
        if not was_closed and not _is_tail(buffer[rest:]):
            values.append(Fault("text after the end of the list"))
        return len(buffer)

    def _element(self, buffer: bytes, at: int, values: list[object], *, at_end: bool) -> int:
        """Adds the element at an offset and gives the offset after its comma; -1 if more bytes must come first."""
        end = self._end(buffer, at)
        after = _skip(buffer, end) if end >= 0 else len(buffer)
        if after >= len(buffer) and not at_end and len(buffer) - at < ELEMENT_LIMIT:
            return -1
        value = parsed(buffer[at:end]) if end >= 0 else Fault("")
        if isinstance(value, Fault):
            return self._fault(buffer, at, values, at_end=at_end)
        faults: list[object] = []
        follows = buffer[after : after + 1]
        ahead = after + (follows == b",")
        if follows not in (b",", b"]", b""):
            ahead = self._fault(buffer, after, faults, at_end=at_end)
        values.extend([value, *faults] if ahead >= 0 else [])
        return ahead

    def _fault(self, buffer: bytes, at: int, values: list[object], *, at_end: bool) -> int:
        end = self._end(buffer, at)
        if end >= 0 and self._goes_on(buffer, end):
            self._faulty = True
            values.append(Fault(_why(buffer[at:end])))
            return _after_comma(buffer, end)
        following = self._resync(buffer, at + 1)
        if following < 0 and not at_end and len(buffer) - at < ELEMENT_LIMIT:
            return -1
        self._faulty = True
        is_last = following < 0 and at_end
        is_cut = is_last and not buffer.rstrip(_SPACE).endswith(b"]")
        self.closed = self.closed or is_last
        following = following if following >= 0 else len(buffer)
        values.append(Fault("cut off in the middle of a row" if is_cut else _why(buffer[at:following])))
        return following

    def _goes_on(self, buffer: bytes, end: int) -> bool:
        """Whether a broken element really ends there: after some more like it comes a whole one, or the list's end."""
        for _ in range(_CANDIDATES):
            after = _skip(buffer, end)
            if buffer[after : after + 1] == b"]":
                return not buffer[after + 1 :].strip(_SPACE)
            start = _after_comma(buffer, end)
            end = self._end(buffer, start) if start > after else -1
            if end < 0:
                return False
            if not isinstance(parsed(buffer[start:end]), Fault):
                return True
        return False

    def _resync(self, buffer: bytes, at: int) -> int:
        """The next offset where a whole element begins; what looks like one may be text inside a broken row."""
        for match in islice(_NEXT_OBJECT.finditer(buffer, at), _CANDIDATES):
            end = self._end(buffer, match.end())
            if end >= 0 and not isinstance(parsed(buffer[match.end() : end]), Fault):
                return match.end()
        return -1

    def _end(self, buffer: bytes, at: int) -> int:
        if buffer[at : at + 1] not in (b"{", b"["):
            match = _SCALAR.match(buffer, at)
            return match.end() if match else -1
        quick = _BOUNDARY.search(buffer, at, at + (64 << 10))
        if quick and (self._patience <= 0 or not isinstance(parsed(buffer[at : quick.start(1)]), Fault)):
            return quick.start(1)
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


def _skip(buffer: bytes, at: int) -> int:
    while buffer[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    return at


def _after_comma(buffer: bytes, at: int) -> int:
    after = _skip(buffer, at)
    return _skip(buffer, after + 1) if buffer[after : after + 1] == b"," else after
