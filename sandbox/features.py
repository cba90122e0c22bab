"""Audio features that hang together: loud is energetic, acoustic is quiet, each family of genres has its own middle.

A recording takes one of many prepared profiles of its family and shifts it a little, which is much faster than
drawing eleven correlated numbers for each of a hundred million tracks.

Data flow: means per family (`sandbox.words`) -> profiles -> one feature tuple per recording.
"""

from functools import lru_cache
from random import Random

from sandbox.words import MEANS, Means

NAMES = (
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness", "liveness",
    "valence", "tempo", "time_signature",
)  # fmt: skip
"""The features in the order of a profile."""

Profile = tuple[float, float, int, float, int, float, float, float, float, float, float, int]
PER_FAMILY = 1024
"""Profiles that are prepared for each family."""


@lru_cache(maxsize=2)
def profiles(seed: int) -> dict[str, list[Profile]]:
    """Return the prepared profiles of each family."""
    rng = Random(f"features {seed}")
    return {family: [_profile(rng, means) for _ in range(PER_FAMILY)] for family, means in MEANS.items()}


def shifted(profile: Profile, rng: Random) -> Profile:
    """Return a profile that no other recording is likely to have."""
    dance, energy, key, loud, mode, speech, acoustic, instrumental, live, valence, tempo, beats = profile
    step = rng.random()
    return (
        dance, energy, key, round(loud + step - 0.5, 3), mode, speech, acoustic, instrumental, live, valence,
        round(tempo + step * 4, 3), beats,
    )  # fmt: skip


def _profile(rng: Random, means: Means) -> Profile:
    energy_mean, acoustic_mean, dance_mean, valence_mean, instrumental_mean, tempo_mean = means
    energy = _within(rng.gauss(energy_mean, 0.16))
    lift = energy - energy_mean
    speech = 0.03 + 0.5 * rng.random() ** 6
    instrumental = rng.betavariate(0.5, 0.5) if rng.random() < instrumental_mean else rng.random() ** 8 * 0.05
    return (
        round(_within(rng.gauss(dance_mean, 0.13)), 3),
        round(energy, 4),
        rng.randrange(12),
        round(-22 + 18 * energy + rng.gauss(0, 1.6), 3),
        int(rng.random() < 0.65),
        round(speech, 4),
        round(_within(rng.gauss(acoustic_mean - 0.7 * lift, 0.16)), 5),
        round(instrumental, 6),
        round(_within(rng.gauss(0.17 + 0.1 * lift, 0.13)), 4),
        round(_within(rng.gauss(valence_mean + 0.3 * lift, 0.2)), 4),
        round(max(48.0, rng.gauss(tempo_mean + 10 * lift, 22)), 3),
        rng.choices((4, 3, 5, 1), (90, 7, 2, 1))[0],
    )


def _within(value: float) -> float:
    return min(0.995, max(0.003, value))
