"""What an HTTP answer means: one classification for the whole source.

spotipy tells an HTML page from an empty answer no better than by `None`, and a cut connection by whatever its transport
raises. So the raw answer is judged here, once, and everything else in the source asks for the verdict alone.
Data flow: bytes and headers -> Answer -> client (waits, retries) -> polls, enrichment.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

NO_ANSWER = 0
"""Status of a poll that brought nothing to read: no connection, a cut one, or a body that is not what it should be."""
LONGEST_BAN = 31 * 86_400.0
"""Seconds; a longer Retry-After is taken for a mistake of the server."""


class Verdict(Enum):
    """What to do with an answer."""

    OK = "ok"
    EMPTY = "empty"
    MISSING = "missing"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    QUOTA = "quota exceeded"
    INVALID = "invalid"
    BROKEN = "broken"


@dataclass(frozen=True)
class Answer:
    """One answer, judged.

    Attributes:
        verdict: What the answer means.
        status: HTTP status, 0 where nothing readable came.
        body: The decoded JSON object, where there is one.
        text: The JSON text as received, where the verdict is OK; half a character in it is written as U+FFFD.
        retry_after: Seconds that the server asks to wait, None where it does not say.
        sent_at: When the server sent it, by its own clock; None where it does not say.
    """

    verdict: Verdict
    status: int
    body: Mapping[str, Any] | None = None
    text: str | None = None
    retry_after: float | None = None
    sent_at: datetime | None = None

    @property
    def error(self) -> str:
        """Error word of the accounts service (`invalid_grant`), empty where there is none."""
        word = (self.body or {}).get("error")
        return word if isinstance(word, str) else ""


UNHEARD = Answer(Verdict.BROKEN, NO_ANSWER)
"""No answer at all: refused, cut or timed out."""

_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_BY_STATUS = {
    204: Verdict.EMPTY,
    401: Verdict.UNAUTHORIZED,
    403: Verdict.FORBIDDEN,
    404: Verdict.MISSING,
    410: Verdict.MISSING,
    429: Verdict.THROTTLED,
}


def judge(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """Classify one HTTP answer.

    Args:
        status: HTTP status.
        headers: Response headers; the mapping must ignore case or hold `Retry-After` and `Date` in that spelling.
        content: The whole body, decompressed.

    Returns:
        The answer; an OK one always carries a JSON object.
    """
    text, body = _decode(content)
    verdict = _verdict(status, body)
    if verdict is Verdict.OK:
        return Answer(verdict, status, body, text, sent_at=_date(headers))
    wait = _retry_after(headers) if verdict in (Verdict.THROTTLED, Verdict.QUOTA) else None
    return Answer(verdict, NO_ANSWER if status == 200 and verdict is Verdict.BROKEN else status, body, None, wait)


def _verdict(status: int, body: Mapping[str, Any] | None) -> Verdict:
    if status == 429 and _reason(body) == "QUOTA_EXCEEDED":
        return Verdict.QUOTA
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500 and status != 408:
        return Verdict.INVALID
    if status != 200:
        return Verdict.BROKEN  # also redirects: the API has none, so one comes from a portal in between
    return Verdict.OK if body is not None else Verdict.BROKEN


def _decode(content: bytes) -> tuple[str | None, Mapping[str, Any] | None]:
    try:
        text = content.decode("utf-8")
        body = json.loads(text, parse_constant=_refuse)
        return _mended(text, body) if isinstance(body, dict) else (text, None)
    except (ValueError, RecursionError):
        return None, None


def _mended(text: str, body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Half of a surrogate pair can be written in JSON, but not in text: files and DuckDB refuse it."""
    if not _HALF_ESCAPED.search(text):
        return text, body
    whole = json.dumps(body, ensure_ascii=False)
    mended = _HALF.sub("\ufffd", whole)
    return (text, body) if mended == whole else (mended, json.loads(mended))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _reason(body: Mapping[str, Any] | None) -> str:
    error = (body or {}).get("error")
    return str(error.get("reason", "")) if isinstance(error, dict) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    raw = headers.get("Retry-After", "").strip()
    try:
        seconds = float(raw)
    except ValueError:
        seconds = _until(raw, headers.get("Date", ""))
    return min(max(seconds, 0.0), LONGEST_BAN) if not math.isnan(seconds) else None


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        sent = parsedate_to_datetime(headers.get("Date", ""))
        return sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _until(date: str, sent: str) -> float:
    try:
        then = parsedate_to_datetime(date)
        since = parsedate_to_datetime(sent) if sent else datetime.now(UTC)
        return (then - since).total_seconds()
    except (TypeError, ValueError):
        return float("nan")
