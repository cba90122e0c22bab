"""HTTP on loopback: reads requests, lets faults of transport spoil answers, sends what is left.

Data flow: socket -> Request -> Service -> Answer -> fault -> socket, log of requests.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from socket import MSG_PEEK, socket
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.accounts import Accounts
from sandbox.admin import Admin
from sandbox.answer import Answer, Request, refusal
from sandbox.faults import Fault, Faults
from sandbox.history import History
from sandbox.shapes import Json, Shapes, iso
from sandbox.spoil import spoiled
from sandbox.webapi import WebApi
from sandbox.world import World

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


_log = logging.getLogger("lakehouse.sandbox")


class Service:
    """Everything behind the socket, put together."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.accounts = Accounts(world)
        shapes = Shapes(world.store)
        self.api = WebApi(world, shapes, History(world.store, self.faults))
        self.admin = Admin(world, shapes, self.faults, self.accounts)

    def answer(self, request: Request, base: str) -> Answer:
        """Answer a request."""
        if request.path.startswith("/admin"):
            body = json.loads(request.body) if request.body else {}
            if not isinstance(body, dict):
                raise ValueError("the body of an admin request is a JSON object")
            return self.admin.answer(request, dict(request.query) | body)
        if request.path == "/authorize" and request.method == "GET":
            return self.accounts.authorize(request.query)
        if request.path == "/api/token" and request.method == "POST":
            form = dict(parse_qsl(request.body.decode()))
            return self.accounts.token(form, request.headers.get("authorization", ""))
        if not request.path.startswith("/v1"):
            return refusal(404, "Service not found")
        grant = self.accounts.grant(request.headers.get("authorization", ""))
        return refusal(401, grant) if isinstance(grant, str) else self.api.answer(request, grant, base)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two packets: the second one would wait for an ack
    server_version = "sandbox"
    wbufsize = -1  # head and body in one packet: apart, the peer's delayed ACK costs 40 ms per request
    disable_nagle_algorithm = True
    service: Service

    def do_GET(self) -> None:
        """Answer a GET."""
        self._respond()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._respond()

    def do_PUT(self) -> None:
        """Answer a PUT."""
        self._respond()

    def do_DELETE(self) -> None:
        """Answer a DELETE."""
        self._respond()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header `Date`: the listener's time."""
        return super().date_time_string(self.service.world.now_ms / 1000 if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet: the log of requests is at `/admin/requests`."""

    def _respond(self) -> None:
        request = self._request()
        host = self.headers.get("Host", "")
        if self.client_address[0] not in LOOPBACK or _name(host) not in LOOPBACK:
            self._send(refusal(421, "the sandbox answers on loopback alone"), b"")
            return
        fault = None if request.path.startswith("/admin") else self.service.faults.take(request.path)
        answer = (spoiled(fault) if fault else None) or self._truth(request, host, fault)
        self._deliver(request, answer, fault)

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, parts.path.rstrip("/"), dict(parse_qsl(parts.query)), headers, body)

    def _truth(self, request: Request, host: str, fault: Fault | None) -> Answer:
        if fault and fault.kind == "deny":
            return self.service.accounts.authorize(request.query, is_denied=True)
        try:
            return self.service.answer(request, f"http://{host}")
        except ValueError as error:
            return refusal(400, str(error))

    def _deliver(self, request: Request, answer: Answer, fault: Fault | None) -> None:
        body, kind = _encoded(answer.body), fault.kind if fault else ""
        is_whole = True
        if fault and kind == "slow":
            time.sleep(float(fault.values.get("seconds", 2)))
            is_whole = self._is_listening()
        elif fault and kind == "cut":
            self._cut(answer, body, int(fault.values.get("bytes", 100)))
            is_whole = False
        elif kind == "broken_json":
            body, is_whole = body[: len(body) // 2], False
        self._remember(request, answer, kind, is_whole)  # before sending, so that whoever got an answer finds it told
        if kind != "cut":
            self._send(answer, body)

    def _cut(self, answer: Answer, body: bytes, length: int) -> None:
        self.close_connection = True
        if length < 0:
            return
        self._head(answer, len(body))
        self.wfile.write(body[:length])

    def _send(self, answer: Answer, body: bytes) -> None:
        try:
            self._head(answer, len(body))
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        kind = "text/html; charset=utf-8" if isinstance(answer.body, str) else "application/json; charset=utf-8"
        self.send_header("Content-Type", kind)
        if answer.status != 204:
            self.send_header("Content-Length", str(length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _is_listening(self) -> bool:
        readable, _, _ = select([self.connection], [], [], 0)
        return not readable or bool(self.connection.recv(1, MSG_PEEK))

    def _remember(self, request: Request, answer: Answer, fault: str, is_whole: bool) -> None:
        service = self.service
        if answer.offered and is_whole:
            service.world.store.offer(answer.offered, service.world.now_ms)
        if not request.path.startswith("/admin"):
            query = {name: value for name, value in request.query.items() if name in _HARMLESS}
            service.admin.requests.append(_entry(service.world, request, query, answer, fault))


_HARMLESS = {"limit", "after", "before", "ids", "offset", "time_range", "market", "redirect_uri", "scope"}


def _entry(world: World, request: Request, query: Mapping[str, str], answer: Answer, fault: str) -> Json:
    told = {"method": request.method, "path": request.path, "query": dict(query), "status": answer.status}
    return told | {"fault": fault or None, "items": len(answer.offered), "listener_time": iso(world.now_ms)}


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


def _name(host: str) -> str:
    return host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]


class LoopbackServer(ThreadingHTTPServer):
    """A server that stops at once: connections that clients keep open are cut."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[Handler]) -> None:
        self._open: set[socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection and serve it in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and cut what is open."""
        super().server_close()
        for connection in list(self._open):
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log what went wrong; clients that leave are everyday life."""
        level = logging.DEBUG if isinstance(sys.exc_info()[1], OSError) else logging.WARNING
        _log.log(level, "the sandbox could not answer a request", exc_info=True)
