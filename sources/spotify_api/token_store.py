"""The listener's consent on disk: one file of mode 600 per accounts service and app, never in the repository.

A refresh token dies six months after the listener's consent, rotated or not, so the file keeps when that was. A token
given by settings wins over the file when it is new; what grew from it (a rotated token) is kept here. A token that the
accounts service called dead is marked and never sent again. Profiles of one app share its file: whoever changes it
holds the folder's lock and looks at the file again before.
Data flow: login or settings -> Grant -> file; client -> rotated tokens -> file.
"""

import calendar
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sources.durable import write_whole
from sources.problem import Problem
from sources.spotify_api.transport import host_of, is_loopback

LIFE_MONTHS = 6
WARN_AFTER_DAYS = 150


class LoginNeeded(Problem):
    """There is no token that can be used: the listener has to consent, once more."""


@dataclass(frozen=True)
class Grant:
    """One consent and what grew from it.

    Attributes:
        refresh_token: The newest one; Spotify may rotate it with every use.
        lineage: Name of this consent.
        authorized_at: When the listener consented, ISO; None if the token came from settings.
        first_seen_at: When the token came here, ISO: the consent is at least as old.
        grown_from: Digest of the settings' refresh token at that time, None if there was none.
        access_token: For an hour; None if it has to be asked for.
        expires_at: When the access token ends, ISO.
        discarded_at: When the accounts service called the refresh token dead, ISO.
    """

    refresh_token: str
    lineage: str
    authorized_at: str | None
    first_seen_at: str
    grown_from: str | None = None
    access_token: str | None = None
    expires_at: str | None = None
    discarded_at: str | None = None

    def __repr__(self) -> str:
        return f"Grant(lineage={self.lineage!r}, authorized_at={self.authorized_at!r})"

    @property
    def since(self) -> datetime:
        """When the six months began, or the latest that it can have been."""
        return datetime.fromisoformat(self.authorized_at or self.first_seen_at)

    @property
    def dies_at(self) -> datetime:
        """When Spotify ends the consent; an upper bound for a token from settings."""
        return _add_months(self.since, LIFE_MONTHS)

    def days_left(self, now: datetime) -> int:
        """Whole days until the consent ends, not below 0."""
        return 0 if self.discarded_at else max((self.dies_at - now).days, 0)

    def access(self, now: datetime) -> str | None:
        """The access token if it lives for half a minute more."""
        if not self.access_token or not self.expires_at:
            return None
        alive = (datetime.fromisoformat(self.expires_at) - now).total_seconds() > 30
        return self.access_token if alive else None


class TokenStore:
    """The file of one app at one accounts service.

    Args:
        accounts_url: Accounts service, `https://accounts.spotify.com`.
        client_id: The app.
        given: Refresh token of the settings, None where they have none.
        folder: Where the files are; by default the user's configuration folder.
    """

    def __init__(self, accounts_url: str, client_id: str, given: str | None, folder: Path | None = None) -> None:
        name = _digest(f"{_place(accounts_url)}\n{client_id}")[:16]
        self.path = (folder or config_folder()) / f"spotify-{name}.json"
        self._given = given

    def load(self, now: datetime) -> Grant:
        """The grant to use.

        Raises:
            LoginNeeded: There is none, or the one there was died.
        """
        grant = self.peek(now)
        if grant is None:
            raise LoginNeeded(
                "Spotify was not asked, since nobody has logged in yet: run `python pipelines/run.py login`, or give a"
                " refresh token in SOURCES__SPOTIFY_API__REFRESH_TOKEN."
            )
        if grant.discarded_at:
            raise LoginNeeded(dead_message(grant))
        return grant

    def peek(self, now: datetime) -> Grant | None:
        """The grant as it is, a discarded one too; None if there is none."""
        kept = self._read()
        given = _digest(self._given) if self._given else ""
        if self._given and (kept is None or kept.grown_from != given):
            return Grant(self._given, f"settings-{given[:12]}", None, now.isoformat(), grown_from=given)
        return kept

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep runs and logins of other processes from changing the file meanwhile; not to be held twice."""
        with ExitStack() as held:
            with suppress(OSError):  # nobody is kept out where nothing can be locked; who cannot write there says so
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder = os.open(self.path.parent, os.O_RDONLY)
                held.callback(os.close, folder)
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield

    def save(self, grant: Grant) -> None:
        """Keep a grant: a new file of mode 600 takes the place of the old one in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.path, json.dumps(asdict(grant)).encode(), mode=0o600)

    def accept(self, refresh_token: str, authorized_at: datetime) -> Grant:
        """Keep a fresh consent; it wins over the refresh token that the settings hold now."""
        grown_from = _digest(self._given) if self._given else None
        at = authorized_at.isoformat()
        grant = Grant(refresh_token, uuid4().hex, at, at, grown_from=grown_from)
        with self.held():
            self.save(grant)
        return grant

    def discard(self, grant: Grant, now: datetime) -> None:
        """Mark a grant as dead and forget its tokens; only the mark stays."""
        self.save(replace(grant, refresh_token="", access_token=None, expires_at=None, discarded_at=now.isoformat()))

    def _read(self) -> Grant | None:
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            return Grant(**{name: stored.get(name) for name in (entry.name for entry in fields(Grant))})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError):
            raise LoginNeeded(
                f"The token file {self.path} cannot be read: delete it, then run `python pipelines/run.py login`."
            ) from None


def dead_message(grant: Grant) -> str:
    """What to tell the listener whose consent ended."""
    return (
        f"Spotify no longer accepts the login of {grant.since:%Y-%m-%d} (it ends six months after the consent, or when"
        " the listener revokes it); the token was discarded and Spotify is not asked again with it: run"
        " `python pipelines/run.py login`, or give a new SOURCES__SPOTIFY_API__REFRESH_TOKEN."
    )


def warning(grant: Grant | None, now: datetime) -> str | None:
    """A sentence for a login that ends soon, from its day 150 on; None where there is nothing to say."""
    if grant is None or grant.discarded_at or (now - grant.since).days < WARN_AFTER_DAYS:
        return None
    bound = "" if grant.authorized_at else "at most "
    return (
        f"The Spotify login ends in {bound}{grant.days_left(now)} days ({grant.dies_at:%Y-%m-%d}): run"
        " `python pipelines/run.py login` before."
    )


def config_folder() -> Path:
    """The user's configuration folder of this project."""
    root = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(root) / "listening-lakehouse"


def _place(accounts_url: str) -> str:
    # a service on loopback takes any free port each time: its port is no part of its name
    host = host_of(accounts_url)
    return host if is_loopback(host) else accounts_url.rstrip("/")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _add_months(time: datetime, months: int) -> datetime:
    years, month = divmod(time.month - 1 + months, 12)
    year, month = time.year + years, month + 1
    day = min(time.day, calendar.monthrange(year, month)[1])
    return time.astimezone(UTC).replace(year=year, month=month, day=day)
