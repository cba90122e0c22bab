"""Elements of a JSON array, of JSON lines, or of an array inside an object, in chunks and without holding the file.

A chunk is cut where one element seems to end (`}` `,` `{`) and parsed whole by orjson. If the cut was inside a string
or inside a nested value, the parse must fail, since something stays unclosed; so a chunk that parses was cut right.
Only a chunk that does not parse is walked element by element (see walker), and only the elements that are broken become
a `Fault`: one bad byte costs one row.

Data flow: blocks of utf-8 bytes -> lists of values and Faults, in the file's order.
"""

from collections.abc import Iterator

import orjson

from sources.spotify_export.walker import BOUNDARY, ELEMENT_LIMIT, SPACE, TRIES, Fault, Walker, is_tail, parsed


def array(blocks: Iterator[bytes], start: int = 0) -> Iterator[list[object]]:
    """Yields the elements of an array.

    Args:
        blocks: The file's bytes, utf-8.
        start: Offset of the first byte after the array's `[`; must lie in the first block.

    Yields:
        Lists of parsed elements, broken ones as `Fault`.
    """
    walker = Walker()
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
    return Walker().walk(head[start:], at_end=False)[0][:count]


def _cut(buffer: bytes, walker: Walker) -> tuple[list[object], bytes]:
    for end, start in _boundaries(buffer):
        try:
            values = orjson.loads(b"[" + buffer[:end] + b"]")
        except orjson.JSONDecodeError:
            continue
        walker.learn(values[-1])
        return values, buffer[start:]
    return walker.walk(buffer, at_end=False)


def _boundaries(buffer: bytes) -> list[tuple[int, int]]:
    tail = max(0, len(buffer) - (64 << 10))
    found = [(match.start(1), match.end(1)) for match in BOUNDARY.finditer(buffer, tail)]
    return found[: -TRIES - 1 : -1]


def _last(buffer: bytes, walker: Walker) -> list[object]:
    end = buffer.rfind(b"]")
    if end >= 0 and is_tail(buffer[end + 1 :]):
        try:
            values: list[object] = orjson.loads(b"[" + buffer[: end + 1])
        except orjson.JSONDecodeError:
            pass
        else:
            return values
    return walker.walk(buffer, at_end=True)[0]


def _lines(whole: bytes) -> list[object]:
    pieces = [line for line in whole.split(b"\n") if line.strip(SPACE)]
    try:
        values: list[object] = orjson.loads(b"[" + b",".join(pieces) + b"]")
    except orjson.JSONDecodeError:
        values = []
    return values if len(values) == len(pieces) else [parsed(piece) for piece in pieces]
