"""Scrobbles of Last.fm and listens of ListenBrainz as flat rows.

Last.fm has no export of its own; people use lastfm-to-csv, lastfmstats.com or lastfm.ghan.nl, each with its own shape.
ListenBrainz rows come from many players, so their side facts (length, ISRC, Spotify's id) are taken where they make
sense and left out where not; only time and names decide whether a row is a listen.

Data flow: a parsed row as it came -> a flat row of declared columns.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

Row = Mapping[str, object]

LONGEST_PLAY_MS = 31 * 24 * 3600 * 1000

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_MONTH = re.compile(r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?")
_TRACK = re.compile(r"(?:track[:/]|^)([0-9A-Za-z]{22})(?:\?.*)?$")


def micros(value: object) -> object:
    """Microseconds since 1970 of a time: epoch seconds or milliseconds (number or text), or a date in UTC.

    Returns:
        The number; None for no value; the value itself where it is no time.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        return _epoch(float(text)) if re.fullmatch(r"-?\d{1,16}(\.\d+)?", text) else _calendar(text)
    return _epoch(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _epoch(number: float) -> int:
    scale = 1_000_000 if abs(number) < 1e11 else 1_000
    return round(number * scale) if abs(number) < 1e14 else round(number)


def _calendar(text: str) -> object:
    found = _DAY_MONTH.fullmatch(text)
    try:
        if found and found[2].lower() in _MONTHS:
            month = _MONTHS.index(found[2].lower()) + 1
            moment = datetime(
                int(found[3]), month, int(found[1]), int(found[4]), int(found[5]), int(found[6] or 0), tzinfo=UTC
            )
        elif _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
        else:
            return text
    except ValueError:
        return text
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def pages(values: list[object]) -> list[object]:
    """The tracks of an array of pages, as lastfm.ghan.nl writes it; other elements stay what they are."""
    flat: list[object] = []
    for value in values:
        page = value.get("track") if isinstance(value, dict) else value
        if isinstance(page, list):
            flat.extend(page)
        else:
            flat.append(value)
    return flat


def lastfm(row: Row) -> Row:
    """A scrobble of Last.fm: `{artist, album, track, date}`, or as its API answers (`{"#text": ...}`, `date.uts`)."""
    return {
        "listened_at": micros(_inner(row.get("date"), "uts", "#text")),
        "artist_name": _inner(row.get("artist"), "#text", "name") or None,
        "album_name": _inner(row.get("album"), "#text", "title") or None,
        "track_name": _inner(row.get("track") or row.get("name"), "#text", "name") or None,
    }


def _inner(value: object, *keys: str) -> object:
    if isinstance(value, dict):
        return next((value[key] for key in keys if key in value), None)
    return value


def listenbrainz(row: Row) -> Row:
    """A listen of ListenBrainz: `{listened_at, track_metadata: {artist_name, ..., additional_info: {...}}}`."""
    track = _mapping(row.get("track_metadata"))
    more = _mapping(track.get("additional_info"))
    length = _whole(more.get("duration_ms"))
    return {
        "listened_at": micros(row.get("listened_at")),
        "artist_name": track.get("artist_name") or None,
        "track_name": track.get("track_name") or None,
        "release_name": track.get("release_name") or None,
        "spotify_id": _track_uri(more.get("spotify_id")) or _track_uri(more.get("origin_url")),
        "isrc": _text(more.get("isrc")),
        "duration_ms": length if length is not None else _whole(more.get("duration"), 1000),
        "ms_played": _whole(more.get("ms_played")),
    }


def _mapping(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) and value else None


def _whole(value: object, scale: int = 1) -> int | None:
    try:
        number = (
            round(float(value) * scale) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1
        )
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= LONGEST_PLAY_MS else None


def _track_uri(value: object) -> str | None:
    found = _TRACK.search(value) if isinstance(value, str) else None
    return f"spotify:track:{found[1]}" if found else None
