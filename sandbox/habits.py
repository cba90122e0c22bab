"""Listeners' habits as data.

Data flow: constants -> `sandbox.listener`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


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

SKIPS = {"rotation": 0.13, "album": 0.04, "loved": 0.1, "discovery": 0.34, "obsession": 0.02, "mood": 0.08}
"""Chance that a play is skipped."""

QUIET_DAY, JOURNEY, INCOGNITO, TUNNEL, PAUSE = 0.06, 0.011, 0.03, 0.06, 0.03
"""Chances: of a day without music, of a journey offline to begin, of an incognito session, of a session that starts
without a connection, of a pause within a play."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What tells one listener from another; the hours, the skips and the journeys are everybody's.

    Attributes:
        kinds: What a session is about, with weights.
        rotation: Artists who are favourites at a time.
        stay: Days for which one is a favourite, at least and at most.
        loyalty: Chance that a favourite is asked for and one of the twelve that never go is taken.
        adoption: Chance that an artist found on a discovery becomes a favourite.
        fondness: How much of an artist is the same few songs; 1 is every song alike.
        moods: Into how many moods the listener's music falls; 0 where sessions know no mood.
        spell: Days for which the same two moods prevail.
    """

    kinds: Mapping[str, int]
    rotation: int = 14
    stay: tuple[int, int] = (6, 80)
    loyalty: float = 0.18
    adoption: float = 0.22
    fondness: float = 2.2
    moods: int = 0
    spell: int = 9


EVERYDAY = "everyday"
HABITS: Mapping[str, Habits] = MappingProxyType(
    {
        EVERYDAY: Habits(
            {"rotation": 42, "album": 18, "loved": 20, "discovery": 11, "obsession": 6, "podcast": 3},
        ),
        "loyal": Habits(  # a few artists for years, whole albums, over and over
            {"rotation": 14, "album": 58, "loved": 16, "discovery": 2, "obsession": 8, "podcast": 2},
            rotation=5, stay=(90, 500), loyalty=0.45, adoption=0.02, fondness=1.4,
        ),
        "explorer": Habits(  # always something else, hardly anything for long
            {"rotation": 14, "album": 10, "loved": 4, "discovery": 68, "obsession": 1, "podcast": 3},
            rotation=7, stay=(2, 12), loyalty=0.03, adoption=0.05, fondness=1.0,
        ),
        "moody": Habits(  # sits down for a mood, whoever made it
            {"mood": 86, "rotation": 5, "loved": 4, "discovery": 3, "podcast": 2},
            moods=9, spell=9,
        ),
    }
)  # fmt: skip
"""Listeners to choose from. None of them looks at how a track sounds, nor counts its plays: the
favourites come and go by their own dice, and the mood of a track is a number that no table holds."""

PODCASTS = (
    ("The Slow Kitchen", 31), ('The History of "Almost"', 54), ("Maps and Myths", 47), ("Ten Minutes of Grammar", 11),
    ("Was die Nacht erzählt", 38), ("夜のラジオ", 25),
)  # fmt: skip
"""Shows that are heard now and then, with the usual length in minutes."""
