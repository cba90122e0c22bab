"""What leaves a privacy export, and what never does.

Only declared columns pass (feeds.py); this module reduces the two that tell where and on what somebody listened,
cleans file names (services put the user's name into them), and shows a wrong row without its personal parts. It works
on values in memory, so nothing personal reaches the lake, dlt's working folder or a log.

Data flow: values of a row or a file's name -> the same, without the person.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

RAW_LENGTH = 1000
"""Longest text kept of a wrong row, in characters."""

_FAMILIES: tuple[tuple[str, str], ...] = (
    ("car", r"\bcar\b|carplay|android[ _-]?auto\b|automotive|tesla"),
    ("tv", r"tv\b|_tv|\btv_|roku|firetv|fire_tv|webos|tizen|chromecast|playstation|\bps[345]\b|xbox|bravia|cast"),
    ("speaker", r"sonos|speaker|echo|alexa|homepod|google[ _]home|bose|denon|heos|yamaha|librespot|spotify_connect"),
    ("web", r"web[ _]?player|websocket|\bweb\b"),
    ("android", r"android"),
    ("ios", r"\bios\b|iphone|ipad|ipod|watchos|apple[ _]?watch"),
    ("windows", r"windows|win32|\bwin\b"),
    ("macos", r"os ?x\b|mac ?os|\bmac\b|darwin"),
    ("linux", r"linux|ubuntu|debian"),
)
_PATTERNS = tuple((family, re.compile(pattern)) for family, pattern in _FAMILIES)

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IPV4 = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){2}\.(?:\d{1,3}|x+)\b", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-fx.]{0,15}(?![\w:])", re.IGNORECASE)

_NAMED_AFTER_USER = re.compile(
    r"^(?P<service>lastfmstats|last\.?fm|listenbrainz|lb|scrobbles?|recenttracks|my_spotify_data)"
    r"(?P<join>[-_. ]+)(?!\(?\d{1,3}\)?\.)(?P<user>.+?)"
    r"(?P<end>(?:[-_. ]\d{6,})?(?: ?\(\d+\))?\.(?:csv|json|jsonl|txt|tsv|zip))$",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")


@lru_cache(maxsize=4096)
def platform_family(platform: str | None) -> str | None:
    """Reduces a platform to android, ios, windows, macos, linux, web, tv, speaker, car or other.

    `Android OS 11 API 30 (samsung, SM-G975F)` is a fingerprint of a telephone; `android` is an answer to a question.
    """
    if platform is None:
        return None
    lowered = platform.lower()
    return next((family for family, pattern in _PATTERNS if pattern.search(lowered)), "other")


def clean_name(name: str) -> str:
    """A file's name for the lake, the report and the log: no user names, mail addresses or control characters."""
    folder, slash, base = _CONTROL.sub("?", name).replace("\\", "/").rpartition("/")
    base = _NAMED_AFTER_USER.sub(r"\g<service>\g<join>user\g<end>", base)
    return _scrub(folder + slash + base)[-RAW_LENGTH:]


def shown(row: Mapping[str, object], allowed: Iterable[str], *, keep_place: bool) -> str:
    """A wrong row as JSON text: declared fields alone, plain values alone, addresses blotted out."""
    kept = {key: _plain(row[key]) for key in allowed if key in row}
    if not keep_place:
        kept.pop("conn_country", None)
        if isinstance(kept.get("platform"), str):
            kept["platform"] = platform_family(str(kept["platform"]))
    return _scrub(json.dumps(kept, ensure_ascii=False))[:RAW_LENGTH]


def described(value: object) -> str:
    """A value that is not a row, told by its kind alone: its text may be anything."""
    if isinstance(value, str | list | dict):
        return f"({ {str: 'text', list: 'list', dict: 'object'}[type(value)] } of length {len(value)})"
    return f"({type(value).__name__.lower()})" if value is not None else "null"


def _plain(value: object) -> object:
    return described(value) if isinstance(value, dict | list) else value


def _scrub(text: str) -> str:
    for pattern in (_MAIL, _IPV4, _IPV6):
        text = pattern.sub("(removed)", text)
    return text
