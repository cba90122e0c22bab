"""The requests of a day, counted before they are sent.

Polling comes first: enrichment may spend only what the polls of the rest of the UTC day leave over, and what the last
24 hours did not spend, yesterday's requests taken as even: a limit by days alone allows two days' in an hour. Asking
for an access token is counted too, but is no request to the API. Data flow: client -> Meter -> journal ->
Memory.requests.
"""

import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sources.spotify_api.journal import Journal

DAY = timedelta(days=1)


class BudgetSpent(Exception):
    """The day's requests are used up."""


class Meter:
    """Counts the requests of one run and refuses what is over the limit.

    Attributes:
        limit: API requests of this UTC day after which nothing more is admitted.
        is_sliding: Whether yesterday's requests count, too, as far as they are within the last 24 hours.
        run: Requests of this run by endpoint.
    """

    def __init__(self, journal: Journal, now: Callable[[], datetime], limit: int) -> None:
        self.limit = limit
        self.is_sliding = False
        self.run: Counter[str] = Counter()
        self._journal = journal
        self._now = now

    @property
    def left(self) -> int:
        """API requests that may still be sent now."""
        now, memory = self._now(), self._journal.memory
        spent = memory.spent(utc_day(now))
        if self.is_sliding:
            spent += math.ceil(memory.spent(utc_day(now - DAY)) * ((next_day(now) - now) / DAY))
        return self.limit - spent

    def admit(self, endpoint: str) -> None:
        """Count a request that is about to be sent.

        Raises:
            BudgetSpent: It may not be sent.
        """
        if endpoint != "token" and self.left <= 0:
            raise BudgetSpent
        self._journal.append({"event": "request", "day": utc_day(self._now()), "endpoint": endpoint})
        self.run[endpoint] += 1


def reserve(now: datetime, poll_every: timedelta) -> int:
    """Requests that polling needs until the UTC day ends, with a tenth more for retries."""
    return math.ceil((next_day(now) - now) / poll_every * 1.1)


def next_day(now: datetime) -> datetime:
    """The start of the next UTC day."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def utc_day(now: datetime) -> str:
    """The UTC day, `YYYY-MM-DD`."""
    return now.astimezone(UTC).strftime("%Y-%m-%d")
