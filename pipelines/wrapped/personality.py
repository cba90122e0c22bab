"""A personality of taste, from six numbers and rules that the page tells its reader.

Data flow: shares of a range -> Personality
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HALF = 0.5
LOYAL = 0.4
NEW = 0.35
KNOWN = 0.1
MOODS = {(True, True): "Radiant", (True, False): "Fierce", (False, True): "Easygoing", (False, False): "Wistful"}
KINDS = {(True, True): "Trailblazer", (True, False): "Devotee", (False, True): "Explorer", (False, False): "Collector"}
SENTENCES = {
    "Trailblazer": "You find few new names, and then you play them and nobody else.",
    "Devotee": "You know whom you love, and you come back to them.",
    "Explorer": "You wander wide, and much of what you play you had never heard before.",
    "Collector": "You spread your time over many artists, most of them old friends.",
}


@dataclass(frozen=True)
class Personality:
    """What the numbers say.

    Attributes:
        name: One or two words.
        sentence: What it means.
        why: The numbers and rules behind it.
    """

    name: str
    sentence: str
    why: str


def judge(habits: Mapping[str, Any], taste: Mapping[str, Any]) -> Personality | None:
    """The personality of a range; None where nothing was played.

    Args:
        habits: Shares of plays: `top_ten_share`, `new_share`.
        taste: Means weighted by listening time: `energy`, `valence`; `known_share` of the time behind them.

    Returns:
        The personality; without a mood where less than a tenth of the time has audio features.
    """
    top, new = habits.get("top_ten_share"), habits.get("new_share")
    if top is None or new is None:
        return None
    kind = KINDS[top >= LOYAL, new >= NEW]
    why = f"Your ten most played artists have {top:.0%} of your plays (loyal from {LOYAL:.0%})"
    why += f", and {new:.0%} were of songs first heard in this time (curious from {NEW:.0%})"
    mood = _mood(taste)
    if mood:
        why += f". Energy {taste['energy']:.2f} and brightness {taste['valence']:.2f} of 1 make it {mood.lower()}"
    return Personality(f"{mood} {kind}" if mood else kind, SENTENCES[kind], why + ".")


def _mood(taste: Mapping[str, Any]) -> str | None:
    energy, valence = taste.get("energy"), taste.get("valence")
    if energy is None or valence is None or (taste.get("known_share") or 0) < KNOWN:
        return None
    return MOODS[energy >= HALF, valence >= HALF]
