"""A server as a child process: its folder, its ports, the user that it runs as, its end.

Two things are easy to get wrong. Servers that refuse root need a folder that another user can reach, which pytest's
own temporary folders are not. And a test run that is killed must not leave servers behind: the kernel ends them
together with the process that started them (`setpriv --pdeathsig`).

Data flow: command, folder -> process that answers -> process gone, folder gone
"""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sources.problem import Problem

START_SECONDS = 60
STOP_SECONDS = 15
ATTEMPTS = 3
# below the range that the kernel hands out for outgoing connections, so that nobody takes a port before its server
PORTS = range(18_000, 32_000)
SOCKET_PATH_ROOM = 60


@dataclass(frozen=True)
class User:
    """Who a server runs as; None for oneself."""

    name: str | None = None

    @property
    def spawn(self) -> dict[str, object]:
        """Arguments of `subprocess` that drop root."""
        if self.name is None:
            return {}
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Gives a folder and what is in it to this user."""
        if self.name is None:
            return
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, self.name)


def unprivileged() -> User:
    """Oneself, or for root a user who owns nothing."""
    return User("nobody") if os.geteuid() == 0 else User()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


@contextlib.contextmanager
def folder(name: str) -> Iterator[Path]:
    """A temporary folder that every user can reach, with a path short enough for a socket in it."""
    base = Path(tempfile.gettempdir())
    if len(str(base)) > SOCKET_PATH_ROOM or not _is_open_to_all(base):
        base = Path("/tmp")  # noqa: S108 - a new folder with a random name is made in it
    made = Path(tempfile.mkdtemp(prefix=f"lakehouse-{name}-", dir=base))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents])


def run(command: Sequence[object], user: User, env: dict[str, str] | None = None) -> str:
    """Runs a preparing command to its end and returns what it printed.

    Raises:
        Problem: It failed; its output is in the message.
    """
    done = subprocess.run(  # noqa: S603
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(env),
        **user.spawn,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise Problem(f"{command[0]} failed with exit code {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return str(done.stdout)


def _environment(extra: dict[str, str] | None) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(extra or {})}


@dataclass
class Server:
    """A server that may be killed and started again, with its folder and on its port."""

    command: Sequence[object]
    log: Path
    answers: Callable[[], bool]
    user: User
    env: dict[str, str] | None
    stop: signal.Signals
    child: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            Problem: It ended, or did not answer in time; the end of its log is in the message.
        """
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(  # noqa: S603
                [*_dies_with_us(self.stop), *(str(part) for part in self.command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(self.env),
                **self.user.spawn,  # type: ignore[call-overload]
            )
        _wait(self.child, self.answers, str(self.command[0]), self.log)

    def kill(self) -> None:
        """Ends it without a word, as a power cut does."""
        self.child.kill()
        self.child.wait()


@contextlib.contextmanager
def process(
    command: Sequence[object],
    log: Path,
    answers: Callable[[], bool],
    user: User,
    *,
    env: dict[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[Server]:
    """Starts a server, waits until it answers, and stops it at the end.

    Raises:
        Problem: It ended, or did not answer in time; the end of its log is in the message.
    """
    log.unlink(missing_ok=True)
    server = Server(command, log, answers, user, env, stop)
    try:
        server.start()
        yield server
    finally:
        _stop(server.child, stop)


def _dies_with_us(stop: signal.Signals) -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", stop.name.removeprefix("SIG"), "--"] if setpriv else []


def _wait(child: subprocess.Popen[bytes], answers: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.05)
    state = "does not answer" if child.poll() is None else f"ended with {child.returncode}"
    raise Problem(f"{name} {state} after its start: {log.read_text(errors='replace')[-2000:]}")


def _stop(child: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    child.send_signal(stop)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
