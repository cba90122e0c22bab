"""`run.py stats`: any range of days, and against any other, from the `gold.daily_*` aggregates.

Data flow: gold -> questions -> text
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.settings import Settings
from pipelines.span import Span, span
from pipelines.wrapped.questions import QUESTIONS, Answer, ask
from sources.problem import UsageProblem

if TYPE_CHECKING:
    import duckdb

ASKED = ("totals", "gaps", "top_artists", "top_tracks", "top_albums", "top_genres")
SUMS = (
    ("minutes", "ms_played"),
    ("plays", "plays"),
    ("songs", "tracks"),
    ("artists", "artists"),
    ("days with music", "days"),
    ("new songs", "new_tracks"),
    ("new artists", "new_artists"),
)
TOPS = (
    ("Artists", "top_artists", "artist_name"),
    ("Songs", "top_tracks", "track_name"),
    ("Albums", "top_albums", "album_name"),
    ("Genres", "top_genres", "genre"),
)
SHOWN = 5


@dataclass(frozen=True)
class Stats:
    """The answers of one range."""

    span: Span
    answers: Mapping[str, Answer]

    @property
    def is_minimum(self) -> bool:
        """True where the history has a gap in the range."""
        return bool(self.answers["gaps"].row["gaps"])

    def number(self, name: str) -> int:
        """A sum; time in minutes."""
        value = int(self.answers["totals"].row[name])
        return round(value / 60_000) if name == "ms_played" else value


def stats(settings: Settings, options: argparse.Namespace) -> int:
    """Write the numbers of a range, beside those of another if one is given.

    Raises:
        UsageProblem: Nothing is built yet, or a range is no range.
    """
    from pipelines.query import analyst

    if bool(options.first) != bool(options.last):
        raise UsageProblem("A range has two ends: give both --from and --to.")
    with analyst(settings) as connection:
        now = span(options.first, options.last) if options.first else _all(connection)
        versus = span(*options.versus) if options.versus else None
        found = [_stats(connection, each, versus or now.before, settings.timezone) for each in (now, versus) if each]
    sys.stdout.write("\n".join(render(*found)) + "\n")
    return 0


def render(now: Stats, versus: Stats | None = None) -> Iterator[str]:
    """The lines of an answer; `at least` where a gap makes the numbers of a range minimums."""
    yield now.span.label + (f" against {versus.span.label}" if versus else "")
    for each in filter(None, (now, versus)):
        yield from _gaps(each)
    for label, name in SUMS:
        yield _line(label, name, now, versus)
    for title, question, name in TOPS:
        rows = now.answers[question].rows[:SHOWN]
        if rows:
            yield f"\n{title}"
            yield from (_item(row, name, is_ranked=versus is not None) for row in rows)


def _line(label: str, name: str, now: Stats, versus: Stats | None) -> str:
    line = f"  {label:<16}{_amount(now, name):>22}"
    if versus is None:
        return line
    before, change = versus.number(name), ""
    if before:
        change = f"{(now.number(name) - before) / before:+.1%}"
    return f"{line}  against {_amount(versus, name):>22}  {change}".rstrip()


def _amount(of: Stats, name: str) -> str:
    return ("at least " if of.is_minimum else "") + f"{of.number(name):,}"


def _item(row: Mapping[str, Any], name: str, *, is_ranked: bool) -> str:
    by = f", {row['artist_name']}" if name in ("track_name", "album_name") else ""
    line = f"  {row['rank']:>2} {(row[name] or 'unknown') + by:<46} {row['plays']:>7,} plays"
    line += f" {row['ms_played'] / 60_000:>9,.0f} min"
    if is_ranked:
        line += f"  was {row['previous_rank']}" if row["previous_rank"] else "  was not there"
    return line


def _gaps(of: Stats) -> Iterator[str]:
    gaps = of.answers["gaps"].row
    if of.is_minimum:
        between = f"{gaps['from_at']:%Y-%m-%d %H:%M} and {gaps['to_at']:%Y-%m-%d %H:%M}"
        missing = (
            f"at least {gaps['missing_at_least']:,} plays"
            if gaps["missing_at_least"]
            else "nobody knows how many plays"
        )
        yield f"  {of.span.label}: a gap in the history between {between}, {missing} missing; numbers are minimums"


def _stats(connection: "duckdb.DuckDBPyConnection", of: Span, before: Span, zone: str) -> Stats:
    return Stats(of, {name: ask(connection, QUESTIONS[name], of, before, zone) for name in ASKED})


def _all(connection: "duckdb.DuckDBPyConnection") -> Span:
    ((first, last),) = connection.execute("select min(played_on), max(played_on) from gold.daily_listening").fetchall()
    if first is None:
        raise UsageProblem("Nothing was played yet: import a history, or give --from and --to.")
    return Span(first, last)
