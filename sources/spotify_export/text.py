"""Bytes of a file as utf-8, whatever Unicode encoding they came in.

UTF-8 with or without a byte order mark, and UTF-16 of either order (Windows editors save JSON so), become plain utf-8.
Bytes that are not UTF-8 (Latin-1, Windows-1252) stay as they are and fail later, row by row: guessing an encoding
would turn a single damaged byte into wrong names in a whole history.

Data flow: blocks of bytes -> blocks of utf-8.
"""

import codecs
from collections.abc import Iterator

_MARKS = ((codecs.BOM_UTF8, ""), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def encoding(head: bytes) -> tuple[str, int]:
    """Tells the encoding from a file's first bytes: its codec name (empty for utf-8) and the length of its mark."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec, len(mark)
    if head[1:2] == b"\0" and head[:1].isascii() and head[:1] != b"\0":
        return "utf-16-le", 0
    if head[:1] == b"\0" and head[1:2].strip(b"\0"):
        return "utf-16-be", 0
    return "", 0


def utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the same text as utf-8 without a byte order mark.

    Broken UTF-16 ends the text where it breaks, so that what follows is seen as cut off.
    """
    first = next(blocks, b"")
    codec, skip = encoding(first)
    if not codec:
        yield first[skip:]
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        yield decoder.decode(first[skip:]).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
    except UnicodeError:
        return
