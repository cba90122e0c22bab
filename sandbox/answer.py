"""What goes out over HTTP.

Data flow: the services -> Answer -> `sandbox.web`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in: path without the query, and the values of query and form, the last one of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer: a dictionary goes out as JSON, text as HTML, None as nothing.

    Attributes:
        offered: Numbers of the plays that it tells of, to be remembered once it has gone out.
    """

    status: int
    body: dict[str, Any] | list[Any] | str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    offered: tuple[int, ...] = ()


def refusal(status: int, message: str, **more: str) -> Answer:
    """Return an error as the Web API words it."""
    return Answer(status, {"error": {"status": status, "message": message, **more}})
