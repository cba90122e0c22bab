"""When to poll again: a pure function of the last polls.

A page holds fifty plays, so what matters is how much of the last page came back in the next (the overlap). The interval
follows the speed at which the page fills up: short enough that even three times that speed leaves an overlap, longer
while nothing plays, within bounds, and never faster than the day's budget lasts.
Data flow: Memory.recent -> next_interval -> the loop of `--every`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

PAGE = 50
SAFETY = 3.0
"""How much faster than in the last stretch the listener may skip without a play being lost."""
SILENCE = timedelta(minutes=22)
"""Longest interval that silence stretches to: a page of plays of thirty seconds, the shortest told, fills in 25."""
LATE = timedelta(minutes=10)
"""A play that ended so long before a poll which did not show it was held back."""


class Mood(Enum):
    """What the last polls say."""

    PLAYING = "playing"
    SILENT = "silent"
    FROZEN = "frozen"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Bounds:
    """Limits of the interval.

    Attributes:
        base: What the person asked for with `--every`.
        shortest: Never polled more often.
        longest: Never polled less often.
        jitter: Share by which the interval is shaken, so that many machines do not ask at the same second.
    """

    base: timedelta
    shortest: timedelta = timedelta(minutes=2)
    longest: timedelta = timedelta(minutes=60)
    jitter: float = 0.1


@dataclass(frozen=True)
class Glance:
    """One poll that brought a page.

    Attributes:
        at: When.
        items: Plays on the page.
        new: Plays that were never offered before.
        oldest_new: When the oldest of the new plays ended, None if there was none.
    """

    at: datetime
    items: int
    new: int
    oldest_new: datetime | None = None

    @property
    def shared(self) -> int:
        """Plays that an earlier page showed as well."""
        return self.items - self.new


def glances(recent: Sequence[Mapping[str, Any]]) -> list[Glance]:
    """The polls that the source's memory keeps, oldest first."""
    return [
        Glance(
            datetime.fromisoformat(poll["at"]),
            int(poll["items"]),
            int(poll["new"]),
            datetime.fromisoformat(poll["oldest_new"]) if poll["oldest_new"] else None,
        )
        for poll in recent
    ]


def mood(polls: Sequence[Glance]) -> Mood:
    """Tell silence from an endpoint that holds plays back, as far as pages can.

    A page with a play that ended well before an earlier, unchanged page was asked for proves that the earlier one was
    frozen. While a freeze lasts it looks like silence; so `FROZEN` is said when the page thaws and for as long as the
    thaw is among the last three polls, since endpoints that froze once tend to do it again.
    """
    if len(polls) < 2:
        return Mood.UNKNOWN
    if any(_was_held_back(before, poll) for before, poll in zip(polls[-4:], polls[-3:], strict=False)):
        return Mood.FROZEN
    return Mood.PLAYING if polls[-1].new else Mood.SILENT


def _was_held_back(before: Glance, poll: Glance) -> bool:
    return poll.oldest_new is not None and poll.oldest_new < before.at - LATE


def next_interval(
    polls: Sequence[Glance],
    bounds: Bounds,
    budget_left: timedelta | None = None,
    chance: random.Random | None = None,
) -> timedelta:
    """How long to wait before the next poll.

    Args:
        polls: The last polls that brought a page, oldest first.
        bounds: Limits.
        budget_left: Shortest interval that the day's budget still pays for, None if it is plenty.
        chance: Source of the jitter; None shakes nothing.

    Returns:
        Between the bounds, jitter aside; longer than `longest` only if the budget demands it.
    """
    wish = min(max(_wish(polls, bounds), bounds.shortest), bounds.longest)
    if budget_left is not None:
        wish = max(wish, budget_left)
    return wish * chance.uniform(1 - bounds.jitter, 1) if chance else wish


def _wish(polls: Sequence[Glance], bounds: Bounds) -> timedelta:
    if len(polls) < 2:
        return bounds.base
    last, before = polls[-1], polls[-2]
    if last.new and last.shared == 0 and last.items >= PAGE:
        return bounds.shortest  # no overlap: plays may be lost already
    if last.new:
        fills_in = (last.at - before.at) * (PAGE / last.new)
        return min(bounds.base, fills_in / SAFETY)
    if mood(polls) is Mood.FROZEN:
        return bounds.base
    stretched = bounds.base * min(2.0, 1.0 + 0.25 * max(_quiet(polls) - 3, 0))
    return min(stretched, max(bounds.base, SILENCE))


def _quiet(polls: Sequence[Glance]) -> int:
    count = 0
    for poll in reversed(polls):
        if poll.new:
            break
        count += 1
    return count


def affordable(left: int, until_next_day: timedelta) -> timedelta | None:
    """The shortest interval that `left` requests pay for until the UTC day ends."""
    return until_next_day / max(left, 1) if left < until_next_day / timedelta(minutes=1) else None
