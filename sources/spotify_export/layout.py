"""What a file is, told by its content; its name only helps where the content cannot tell.

Data flow: first bytes of a file and its name -> Layout (feed and shape), or a sentence that says what is wrong.
"""

import csv
import re
from dataclasses import dataclass
from typing import Literal

import orjson

from sources.spotify_export import elements
from sources.spotify_export.feeds import ACCOUNT, EXTENDED, FEEDS, LASTFM, Feed
from sources.spotify_export.members import NESTED, ZIP_MARK
from sources.spotify_export.scrobbles import pages
from sources.spotify_export.walker import parsed

Shape = Literal["array", "lines", "csv"]

HEAD = 256 << 10
"""Bytes of a file's beginning that are looked at."""

_INNER_ARRAY = re.compile(rb'^\s*\{.{0,4096}?"(?:scrobbles|listens|track)"\s*:\s*\[', re.DOTALL)
_PAGE = re.compile(rb'\s*(?:\{.{0,4096}?"track"\s*:\s*)?\[', re.DOTALL)
_BY_NAME = (
    (re.compile(r"(^|/)(streaming_history_(audio|video)|end(song|video))[^/]*\.json$", re.IGNORECASE), EXTENDED),
    (re.compile(r"(^|/)streaminghistory[^/]*\.json$", re.IGNORECASE), ACCOUNT),
)
_VIDEO = re.compile(r"(^|/)(endvideo|streaming_history_video)[^/]*$", re.IGNORECASE)
_COMPANIONS = re.compile(
    r"(^|/)(read_?_?me_?_?first[^/]*\.pdf|(userdata|useraddress|userprompts|userattributes|userfestivalsdataforsar|"
    r"playlist\d*|yourlibrary|yoursoundcapsule|searchqueries|follow|inferences|identifiers|identity|payments|marquee|"
    r"wrapped\d*|duonewfamily|familyplan|carthing|voiceinput|messagedata|agentgateway|technicallog[^/]*|"
    r"podcastinteractivity[^/]*|musicrating|user|feedback|pinned_recording)\.jsonl?)$",
    re.IGNORECASE,
)
_LASTFM_DATE = re.compile(r"\d{1,2} [A-Za-z]{3} \d{4},? \d{1,2}:\d{2}")
_COLUMNS = {
    "date": ("uts", "date", "utc_time", "timestamp", "time", "datetime", "rawdatetime", "played at"),
    "artist": ("artist", "artist name", "artist_name"),
    "album": ("album", "album name", "album_name"),
    "track": ("track", "song", "title", "name", "track name", "track_name"),
}


@dataclass(frozen=True)
class Csv:
    """How a CSV is read: delimiter, fields per line, lines of header, and the position of each column."""

    delimiter: str
    width: int
    header: int
    positions: dict[str, int]


@dataclass(frozen=True)
class Layout:
    """How a file is read: its feed, its shape, the offset of its first row, and `files.kind`."""

    feed: Feed
    shape: Shape
    start: int
    kind: str
    csv: Csv | None = None


def is_companion(name: str) -> bool:
    """Whether a file is known to come along with an export and to hold no listening history."""
    return bool(_COMPANIONS.search(name))


def tell(head: bytes, name: str) -> Layout | str:
    """Tells how to read a file.

    Args:
        head: Its first `HEAD` bytes as utf-8.
        name: Its name inside the archive.

    Returns:
        The layout, or why there is none: a sentence that begins with "it".
    """
    start = len(head) - len(head.lstrip())
    first = head[start : start + 1]
    if head.startswith(ZIP_MARK):
        return NESTED
    if not first:
        return "it is empty"
    if first == b"[":
        return _array(head, start + 1, name)
    if first == b"{":
        inner = _INNER_ARRAY.match(head)
        return _array(head, inner.end(), name) if inner else _json_lines(head, name)
    return _csv(head) or _else(head, name)


def _array(head: bytes, start: int, name: str) -> Layout | str:
    values = elements.sample(head, start) or _first_page(head, start)
    feed = _by_keys(pages(values)) or _by_name(name)
    if feed:
        return Layout(feed, "array", start, _kind(feed, name))
    if not values:
        return "it is an empty list" if head[start:].lstrip()[:1] == b"]" else "it is broken JSON"
    return "its rows are no listening history that is known here"


def _first_page(head: bytes, start: int) -> list[object]:
    """The first elements of a page that is longer than the head."""
    page = _PAGE.match(head, start)
    return elements.sample(head, page.end()) if page else []


def _json_lines(head: bytes, name: str) -> Layout | str:
    whole = head.rpartition(b"\n")[0] or head
    values = [parsed(line) for line in whole.splitlines()[:50] if line.strip()]
    feed = _by_keys(values)
    if feed:
        return Layout(feed, "lines", 0, _kind(feed, name))
    try:
        orjson.loads(head)
    except orjson.JSONDecodeError:
        return "it is broken JSON, or no listening history"
    return "it is JSON, but no listening history"


def _by_keys(values: list[object]) -> Feed | None:
    rows = [set(value) for value in values if isinstance(value, dict)]
    scores = [(sum(len(row & feed.signature) for row in rows if len(row & feed.signature) > 1), feed) for feed in FEEDS]
    best, feed = max(scores, key=lambda score: score[0])
    return feed if best else None


def _by_name(name: str) -> Feed | None:
    return next((feed for pattern, feed in _BY_NAME if pattern.search(name)), None)


def _kind(feed: Feed, name: str) -> str:
    return "video" if feed is EXTENDED and _VIDEO.search(name) else feed.kind


def _csv(head: bytes) -> Layout | None:
    text = head.decode(errors="replace")
    rows = [line for line in text.splitlines()[:30] if line.strip()]
    if not rows or "\0" in text:
        return None
    found = _with_header(rows[0]) or _without_header(rows)
    return Layout(LASTFM, "csv", 0, LASTFM.kind, found) if found else None


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader((line,), delimiter=delimiter), [])
    except csv.Error:
        return []


def _with_header(line: str) -> Csv | None:
    for delimiter in (",", ";", "\t"):
        names = [name.strip().lower().partition("#")[0] for name in _split(line, delimiter)]
        places = {
            column: next((names.index(name) for name in known if name in names), -1)
            for column, known in _COLUMNS.items()
        }
        if min(places["date"], places["artist"], places["track"]) >= 0:
            return Csv(delimiter, len(names), 1, {column: at for column, at in places.items() if at >= 0})
    return None


def _without_header(lines: list[str]) -> Csv | None:
    rows = [_split(line, ",") for line in lines]
    dated = [row for row in rows if len(row) == len(_COLUMNS) and _LASTFM_DATE.fullmatch(row[-1].strip())]
    if 2 * len(dated) < len(rows):
        return None
    return Csv(",", len(_COLUMNS), 0, {"artist": 0, "album": 1, "track": 2, "date": 3})


def _else(head: bytes, name: str) -> str:
    if head.startswith(b"%PDF"):
        return "it is a PDF"
    if b"\0" in head[:4096]:
        return "it is no text file"
    if name.lower().endswith((".json", ".jsonl")) or _by_name(name):
        return "it is broken JSON"
    return "it is no listening history that is known here"
