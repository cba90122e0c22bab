"""The listener's habits as data.

Data flow: constants -> `sandbox.listener`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the day in which there may be a session.

    Attributes:
        hour: Middle of its start, in hours UTC.
        spread: Standard deviation of the start, hours.
        chance: Probability from Monday to Friday, and at the weekend.
        length: Mean number of plays.
        platforms: Devices of this part of the day, the likeliest first.
    """

    hour: float
    spread: float
    chance: tuple[float, float]
    length: float
    platforms: tuple[str, ...]


SLOTS = (
    Slot(7.4, 0.4, (0.66, 0.12), 8, ("ios",)),
    Slot(10.0, 1.0, (0.48, 0.5), 15, ("windows", "web_player")),
    Slot(14.6, 1.2, (0.34, 0.44), 13, ("windows", "ios")),
    Slot(18.9, 1.1, (0.66, 0.6), 15, ("ios", "cast to device")),
    Slot(22.6, 0.7, (0.24, 0.44), 11, ("ios", "linux")),
)

KINDS = {"rotation": 42, "album": 18, "loved": 20, "discovery": 11, "obsession": 6, "podcast": 3}
"""What a session is about, with weights."""

SKIPS = {"rotation": 0.13, "album": 0.04, "loved": 0.1, "discovery": 0.34, "obsession": 0.02}
"""Chance that a play is skipped."""

ROTATION = 14
"""Artists who are favourites at a time."""

QUIET_DAY, JOURNEY, INCOGNITO, TUNNEL, PAUSE = 0.06, 0.011, 0.03, 0.06, 0.03
"""Chances: of a day without music, of a journey offline to begin, of an incognito session, of a session that starts
without a connection, of a pause within a play."""

PODCASTS = (
    ("The Slow Kitchen", 31), ('The History of "Almost"', 54), ("Maps and Myths", 47), ("Ten Minutes of Grammar", 11),
    ("Was die Nacht erzählt", 38), ("夜のラジオ", 25),
)  # fmt: skip
"""Shows that are heard now and then, with the usual length in minutes."""
