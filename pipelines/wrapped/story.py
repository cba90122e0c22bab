"""All answers of a range, and of the range before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.settings import Settings
from pipelines.span import Span
from pipelines.wrapped.questions import QUESTIONS, Answer, ask

if TYPE_CHECKING:
    import duckdb

COMPARED = ("totals", "taste", "gaps")


@dataclass(frozen=True)
class Story:
    """What a page tells.

    Attributes:
        span: The range.
        answers: By the names of `QUESTIONS`.
        before: The answers to `COMPARED` for the range before.
        zone: The listener's zone.
        week_start: `monday` to `sunday`.
        min_play_seconds: What counts as a play.
        min_play_share: The same, as a share of the song.
    """

    span: Span
    answers: Mapping[str, Answer]
    before: Mapping[str, Answer]
    zone: str
    week_start: str
    min_play_seconds: int
    min_play_share: float

    def __getitem__(self, name: str) -> Answer:
        return self.answers[name]

    @property
    def is_minimum(self) -> bool:
        """True where the history has a gap in the range: its numbers are minimums."""
        return bool(self["gaps"].row["gaps"])


def tell(connection: "duckdb.DuckDBPyConnection", settings: Settings, span: Span) -> Story:
    """Ask everything about a range.

    Args:
        connection: Of `pipelines.query.analyst`.
        settings: Zone, week and the rule of what counts, for the reader.
        span: The range.

    Returns:
        The story.
    """
    zone, before = settings.timezone, span.before
    return Story(
        span,
        {name: ask(connection, sql, span, before, zone) for name, sql in QUESTIONS.items()},
        {name: ask(connection, QUESTIONS[name], before, before.before, zone) for name in COMPARED},
        zone,
        settings.week_start,
        settings.min_play_seconds,
        settings.min_play_share,
    )
