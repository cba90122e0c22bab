"""Spotify on loopback: accounts service and Web API of one world, over real HTTP.

Data flow: World -> Server on 127.0.0.1 -> whoever speaks HTTP.

Alone: `python -m sandbox FOLDER`.
"""

import json
from collections.abc import Mapping
from threading import Thread
from typing import Any, Self
from urllib.request import Request as Call
from urllib.request import urlopen

from sandbox.web import Handler, LoopbackServer, Service
from sandbox.world import World
from sources.problem import UsageProblem


class Server:
    """A running sandbox; a context manager that stops it.

    Attributes:
        service: What answers, for tests that look inside.
        url: Scheme, host and port.
        api_url: Base of the Web API, ends with `/v1/`.
        accounts_url: Base of the accounts service, without a slash at the end.
        client_id: Id of the registered app.
        client_secret: Its secret.
        refresh_token: A token with the scope `user-read-recently-played` that works from the beginning.
    """

    def __init__(self, world: World, host: str, port: int) -> None:
        self.service = Service(world)
        handler = type("WorldHandler", (Handler,), {"service": self.service})
        self._http = LoopbackServer((host, port), handler)
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self.api_url = f"{self.url}/v1/"
        self.accounts_url = self.url
        self.client_id = self.service.accounts.client_id
        self.client_secret = self.service.accounts.client_secret
        self.refresh_token = self.service.accounts.refresh_token
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop answering; the world stays open."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def admin(self, route: str, values: Mapping[str, Any] | None = None) -> Any:
        """Call an admin route over HTTP and return its JSON: `server.admin("POST /admin/advance", {"seconds": 60})`."""
        method, path = route.split(" ", 1)
        body = json.dumps(values).encode() if values is not None else None
        call = Call(f"{self.url}{path}", data=body, method=method)  # noqa: S310
        with urlopen(call, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())


def serve(world: World, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Start Spotify for a world.

    Args:
        world: Whose listener it is.
        host: A loopback address.
        port: 0 for any free one.

    Raises:
        UsageProblem: The host is not loopback: the sandbox gives tokens to whoever asks.
    """
    if host not in {"127.0.0.1", "localhost"}:
        raise UsageProblem(f"The sandbox is for this machine alone and does not listen on {host}; use 127.0.0.1.")
    return Server(world, host, port)
