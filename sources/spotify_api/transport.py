"""One HTTP exchange within bounds of time and size.

spotipy gets this session as its own. A plain `requests.Session` without a retry adapter, since urllib3's retry obeys a
Retry-After for hours and hides the true status. Redirects are not followed: the API has none, and a portal's would
carry the token away. Data flow: request -> exchange in time -> Answer (kept as `heard`) and the response for spotipy.
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from sources.spotify_api.answers import UNHEARD, Answer, judge

LARGEST_BODY = 16 * 1024 * 1024


@dataclass(frozen=True)
class HttpOptions:
    """Bounds of time, in seconds, and of repetition.

    Attributes:
        connect: To reach the server.
        read: Between two bytes.
        total: For a whole answer.
        retries: Further tries after a broken answer.
        backoff: Before the first retry, doubled for each further one.
        short_wait: Longest Retry-After that is waited for within a run.
        patience: All waiting of a run together.
        sleep: Waits; tests give their own.
    """

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0
    retries: int = 2
    backoff: float = 1.0
    short_wait: float = 60.0
    patience: float = 150.0
    sleep: Callable[[float], None] = time.sleep


class BoundedSession(requests.Session):
    """A session that reads every answer whole, in time, and keeps how it was judged.

    Attributes:
        heard: The last answer, UNHEARD if the exchange failed.
    """

    def __init__(self, options: HttpOptions, host: str) -> None:
        super().__init__()
        self.heard: Answer = UNHEARD
        self._options = options
        self.trust_env = not is_loopback(host)  # a proxy of the environment cannot reach this machine's loopback
        self.auth = lambda request: request  # without one, requests puts a password of ~/.netrc in the token's place

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Exchange one request for a whole answer; raises what requests raises where there is none."""
        self.heard = UNHEARD
        deadline = time.monotonic() + self._options.total
        kwargs |= {
            "stream": True,
            "allow_redirects": False,
            "timeout": (self._options.connect, self._options.read),
        }
        with super().request(method, url, *args, **kwargs) as response:
            response._content = _read(response, deadline)
        self.heard = judge(response.status_code, response.headers, response.content)
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    try:
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if time.monotonic() > deadline or len(body) > LARGEST_BODY:
                raise requests.exceptions.ReadTimeout("the answer takes too long or is too large")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.exceptions.ConnectionError(f"the answer broke off: {type(error).__name__}") from None
    promised = response.headers.get("Content-Length", "")
    if promised.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(promised):
        raise requests.exceptions.ConnectionError("the answer broke off")
    return bytes(body)


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine's loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Host of a URL, empty where it has none."""
    return urlsplit(url).hostname or ""
