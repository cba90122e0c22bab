"""What a fault of transport answers instead of the truth.

Data flow: Fault -> Answer; `slow`, `cut` and `broken_json` have none, they spoil the true answer on its way out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.answer import Answer, refusal
from sandbox.faults import Fault

_PAGE = "<!doctype html><html><body><h1>Bad gateway</h1></body></html>"


def spoiled(fault: Fault) -> Answer | None:
    """Return the wrong answer, None where the true one is sent in a wrong way."""
    answer = _ANSWERS.get(fault.kind)
    return answer(fault.values) if answer else None


def _rate_limit(values: Mapping[str, Any]) -> Answer:
    told = refusal(429, "API rate limit exceeded")
    return Answer(429, told.body, {"Retry-After": str(values.get("retry_after", 1))})


def _quota(values: Mapping[str, Any]) -> Answer:
    told = refusal(429, "Too many requests", reason="QUOTA_EXCEEDED")
    wait = values.get("retry_after", 79892)
    return Answer(429, told.body, {} if wait is None else {"Retry-After": str(wait)})


def _status(values: Mapping[str, Any]) -> Answer:
    status = int(values.get("status", 500))
    headers = {"Retry-After": str(values["retry_after"])} if "retry_after" in values else {}
    return Answer(status, refusal(status, str(values.get("message", "Server error"))).body, headers)


def _invalid_grant(_: Mapping[str, Any]) -> Answer:
    return Answer(400, {"error": "invalid_grant", "error_description": "Refresh token revoked"})


_ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
    "rate_limit": _rate_limit,
    "quota": _quota,
    "status": _status,
    "unauthorized": lambda _: refusal(401, "The access token expired"),
    "html": lambda values: Answer(int(values.get("status", 502)), _PAGE),
    "no_content": lambda _: Answer(204, None),
    "invalid_grant": _invalid_grant,
}
