"""One session with the API: what is asked in which order, and how it ended.

The account first (once per login: a lake holds the plays of one listener), then the page, then what the budget leaves
over for objects. Every answer is in the journal before the next question.
Data flow: token file, journal -> Client -> journal.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sources.problem import Problem
from sources.spotify_api.accounts import Accounts, App
from sources.spotify_api.answers import Answer, Verdict
from sources.spotify_api.budget import BudgetSpent, Meter, next_day, reserve
from sources.spotify_api.client import CircuitOpened, Client
from sources.spotify_api.enrichment import Enrichment, Wanted, wanted_by
from sources.spotify_api.identity import meet
from sources.spotify_api.journal import Journal
from sources.spotify_api.memory import ban_event
from sources.spotify_api.polls import PAGE_SIZE, Item, poll_event, polled_at, read_page
from sources.spotify_api.token_store import LoginNeeded, TokenStore, warning
from sources.spotify_api.transport import HttpOptions

logger = logging.getLogger("lakehouse.spotify_api")
PATIENCE = timedelta(hours=2)
"""Without a page for longer, more plays than fit on one may have gone by."""


@dataclass(frozen=True)
class Connection:
    """Where the API is and who asks.

    Attributes:
        api_url: Ends with `/v1/`.
        app: The app and its accounts service.
        refresh_token: As the settings give it, None where the token file alone counts.
        token_folder: Where token files are; None is the user's configuration folder.
    """

    api_url: str
    app: App
    refresh_token: str | None = field(default=None, repr=False)
    token_folder: Path | None = None

    @property
    def store(self) -> TokenStore:
        """The token file of this app."""
        return TokenStore(self.app.accounts_url, self.app.client_id, self.refresh_token, self.token_folder)


@dataclass(frozen=True)
class Plan:
    """What a poll may spend and what it should fetch besides.

    Attributes:
        daily_budget: API requests per UTC day, polls included.
        poll_every: How often polls come; what they need until the day ends is kept free of enrichment.
        wanted: Table and id of objects that bronze lacks, most played first; consumed lazily.
        fetched: Gives the objects that bronze holds; called only where a page names one that is not remembered.
        should_stop: Asked before each further request.
    """

    daily_budget: int = 600
    poll_every: timedelta = timedelta(minutes=15)
    wanted: Iterable[Wanted] = ()
    fetched: Callable[[], Collection[Wanted]] = frozenset
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class PollResult:
    """How a poll ended.

    Attributes:
        status: `new` (plays that were not kept before), `quiet`, `closed` (banned until `not_before`), `budget spent`,
            `no answer`, `refused` or `login needed`.
        new_plays: Plays kept for the first time.
        fetched: Objects fetched.
        requests: Requests of this poll by endpoint.
        not_before: When the API may be asked again, None if at any time.
        loaded: Whether a load package was written.
        problem: What a person has to mend, None if nothing.
        warning: What a person should know soon.
    """

    status: str
    new_plays: int = 0
    fetched: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    not_before: datetime | None = None
    loaded: bool = False
    problem: Problem | None = None
    warning: str | None = None


class Session:
    """Asks the API once.

    Args:
        journal: Where answers go.
        connection: The API and the consent.
        plan: Budget and wishes.
        now: The clock.
        http: Bounds.
    """

    def __init__(
        self, journal: Journal, connection: Connection, plan: Plan, now: Callable[[], datetime], http: HttpOptions
    ) -> None:
        self._journal, self._connection, self._plan, self._now, self._http = journal, connection, plan, now, http
        self._meter = Meter(journal, now, plan.daily_budget)
        self._is_first = not journal.memory.requests
        self._status = "closed"
        self._new_plays = 0
        self._enrichment: Enrichment | None = None
        self._problem: Problem | None = None
        self._warning: str | None = None

    def run(self) -> None:
        """Ask what may be asked; what the API refuses is remembered, not raised."""
        if not self._journal.memory.is_open_at(self._now()):
            return
        try:
            self._ask()
        except BudgetSpent:
            if self._enrichment is None:
                self._status = "budget spent"
                logger.warning(
                    "no poll before %s: the day's requests are spent; SOURCES__SPOTIFY_API__DAILY_BUDGET gives more",
                    next_day(self._now()).isoformat(),
                )
        except Problem as problem:
            self._problem = problem
            if isinstance(problem, LoginNeeded):
                self._status = "login needed"
            elif self._enrichment is None:
                self._status = "refused"

    def result(self, loaded: bool) -> PollResult:
        """How it ended."""
        fetched = self._enrichment.count if self._enrichment else 0
        return PollResult(
            status=self._status,
            new_plays=self._new_plays,
            fetched=fetched,
            requests=dict(self._meter.run),
            not_before=self._not_before(),
            loaded=loaded,
            problem=self._problem,
            warning=self._warning,
        )

    def _not_before(self) -> datetime | None:
        memory = self._journal.memory
        if not memory.is_open_at(self._now()) and memory.not_before:
            return datetime.fromisoformat(memory.not_before)
        return next_day(self._now()) if self._status == "budget spent" else None

    def _ask(self) -> None:
        store = self._connection.store
        grant = store.load(self._now())
        self._warning = warning(grant, self._now())
        accounts = Accounts(self._connection.app, store, self._http)
        client = Client(
            self._connection.api_url, accounts, grant, admit=self._meter.admit, now=self._now, options=self._http
        )
        try:
            meet(client, self._journal, self._now(), self._app(client))
            items = self._read(client)
            if self._status in ("new", "quiet") and not self._plan.should_stop():
                self._enrich(client, items)
        except CircuitOpened as opened:
            self._open_circuit(opened)

    def _read(self, client: Client) -> list[Item]:
        at, lineage = self._now(), client.grant.lineage
        try:
            answer = client.recently_played()
        except CircuitOpened as opened:
            self._journal.append(poll_event(_empty(opened.status), self._journal.memory, at))
            raise
        if client.grant.lineage != lineage:  # somebody logged in, which the refresh of a token noticed
            meet(client, self._journal, self._now(), self._app(client))
        event = poll_event(answer, self._journal.memory, polled_at(answer, at))
        self._journal.append(event)
        self._new_plays = len(event["plays"])
        self._status = self._judge(answer.verdict)
        fresh = {play["track_uri"] for play in event["plays"]}
        return [item for item in read_page(answer) if item.uri in fresh]

    def _judge(self, verdict: Verdict) -> str:
        if verdict in (Verdict.OK, Verdict.EMPTY):
            return "new" if self._new_plays else "quiet"
        if verdict is Verdict.BROKEN:
            self._problem = self._silence()
            return "no answer"
        self._problem = Problem(
            f"Spotify refuses the listening history ({verdict.value}): the app's owner needs Premium, the listener has"
            " to be on the app's list of users, and the login needs the scope user-read-recently-played"
            " (`python pipelines/run.py login`)."
        )
        return "refused"

    def _silence(self) -> Problem | None:
        recent = self._journal.memory.recent
        since = datetime.fromisoformat(recent[-1]["at"]) if recent else None
        if self._is_first or (since and self._now() - since < PATIENCE):
            return None
        told = f"{since:%Y-%m-%d %H:%M} UTC" if since else "the first poll"
        return Problem(
            f"Spotify gave no page since {told}: plays may be lost, since it tells the last {PAGE_SIZE} alone. Look at"
            f" the network of this machine, at {self._connection.api_url} and at https://status.spotify.dev."
        )

    def _enrich(self, client: Client, items: list[Item]) -> None:
        plan = self._plan
        self._meter.is_sliding = True
        self._meter.limit = plan.daily_budget - reserve(self._now(), plan.poll_every)
        app = self._app(client)
        self._enrichment = Enrichment(client, self._journal, self._now, app, plan.fetched, plan.should_stop)
        self._enrichment.keep(items)
        self._enrichment.run(wanted_by(items))
        self._enrichment.run(plan.wanted, is_absent=True)

    def _app(self, client: Client) -> str:
        return f"{_digest(self._connection.app.client_id)}.{client.grant.lineage}"

    def _open_circuit(self, opened: CircuitOpened) -> None:
        event = ban_event(self._now(), opened.seconds, self._journal.memory.bans)
        logger.warning("Spotify wants to be left alone until %s", event["until"])
        self._journal.append(event)
        if self._enrichment is None:
            self._status = "closed"


def _empty(status: int) -> Answer:
    return Answer(Verdict.THROTTLED, status)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
