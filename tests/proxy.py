"""A TCP proxy between a run and a server, for what networks and servers do: refuse, cut, go silent, answer 503."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REFUSE, CUT, SILENT, UNAVAILABLE, STRUCK = "refuse", "cut", "silent", "unavailable", "struck"


@dataclass
class Fault:
    """What goes wrong, from when on, and for how long.

    Attributes:
        kind: `cut` resets connections, `silent` holds them and says nothing, `unavailable` answers HTTP 503, `refuse`
            resets every connection as it is made, `struck` does something to the server and lets the request through.
        pattern: Bytes of a request that start the fault; empty: at once.
        times: How many connections it hits; None: all until the proxy is healed.
        spared: How many requests with the pattern pass before it starts.
        strike: What `struck` does.
    """

    kind: str
    pattern: bytes = b""
    times: int | None = None
    strike: Callable[[], None] = lambda: None
    spared: int = 0
    hits: int = 0
    has_begun: bool = False

    def strikes(self, sent: bytes) -> bool:
        """Whether a connection that sent these bytes is hit."""
        if self.times is not None and self.hits >= self.times:
            return False
        if not (self.has_begun and self.times is None) and self.pattern not in sent:
            return False
        if self.spared:
            self.spared -= 1
            return False
        self.has_begun = True
        self.hits += 1
        return True


@dataclass
class Proxy:
    """A proxy on a free port of the loopback address.

    Attributes:
        fault: What goes wrong now.
        delay: Seconds by which each piece of data comes later, either way.
        heard: How many pieces of data clients have sent.
    """

    host: str
    server_port: int
    fault: Fault | None = None
    port: int = 0
    delay: float = 0
    heard: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: set[socket.socket] = field(default_factory=set)

    def break_with(self, fault: Fault) -> Fault:
        """From now on this goes wrong."""
        self.fault = fault
        return fault

    def heal(self) -> None:
        """From now on all is well; connections that were held in silence are reset."""
        self.fault = None
        for connection in list(self._open):
            reset(connection)

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        self._open.add(client)
        with contextlib.suppress(OSError):
            if self.fault and self.fault.kind == REFUSE and self.fault.strikes(b""):
                reset(client)
                return
            server = socket.create_connection((self.host, self.server_port))
            self._open.add(server)
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            try:
                self._forth(client, server)
            except OSError:  # a server that is gone resets who still writes to it
                reset(client)
                raise

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        seen = b""
        while data := client.recv(65536):
            seen = seen[-200:] + data
            self.heard += 1
            fault = self.fault
            if fault and fault.strikes(seen):
                fault.strike()
                if fault.kind != STRUCK:
                    self._do(fault.kind, client, server)
                    return
            time.sleep(self.delay)
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def _do(self, kind: str, client: socket.socket, server: socket.socket) -> None:
        if kind == SILENT:
            while client.recv(65536):  # take all, say nothing
                pass
            return
        reset(server)
        if kind == UNAVAILABLE:
            client.sendall(BUSY)
            client.settimeout(0.3)
            with contextlib.suppress(OSError):
                while client.recv(65536):  # else the kernel answers the rest of the request with a reset
                    pass
            client.close()
        else:
            reset(client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                time.sleep(self.delay)
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:  # a reset is passed on: a client that only waits would wait for ever
            reset(client)


def reset(connection: socket.socket) -> None:
    """Close a connection the hard way."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextlib.contextmanager
def between(host: str, port: int) -> Iterator[Proxy]:
    """A proxy in front of a server for as long as the context lasts."""
    proxy = Proxy(host, port)
    proxy.port = proxy._listener.getsockname()[1]
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy._listener.close()
        proxy.heal()
