"""`run.py wrapped`: the story of a year, or of any range of days, as one HTML file.

Data flow: gold -> questions -> Story -> page -> file
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import Settings
from pipelines.span import Span, span, year
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import duckdb


def wrapped(settings: Settings, options: argparse.Namespace) -> int:
    """Write the page of a range and say where it is.

    Raises:
        UsageProblem: Nothing is built yet, or the range is no range.
        Problem: The file cannot be written.
    """
    from pipelines.query import analyst
    from pipelines.wrapped.page import render
    from pipelines.wrapped.story import tell

    with analyst(settings) as connection:
        chosen = _chosen(connection, options)
        page = render(tell(connection, settings, chosen))
    path = _path(options.output, chosen)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}. Give another file with --output.") from error
    sys.stdout.write(f"{path}\n")
    return 0


def _chosen(connection: "duckdb.DuckDBPyConnection", options: argparse.Namespace) -> Span:
    if options.year is not None and (options.first or options.last):
        raise UsageProblem("Give --year or --from and --to, not both.")
    if bool(options.first) != bool(options.last):
        raise UsageProblem("A range has two ends: give both --from and --to.")
    if options.first:
        return span(options.first, options.last)
    ((until,),) = connection.execute("select max(played_on) from gold.daily_listening").fetchall()
    if options.year is None and until is None:
        raise UsageProblem("Nothing was played yet: import a history, or name a --year.")
    return year(until.year if options.year is None else options.year, until)


def _path(output: Path, chosen: Span) -> Path:
    name = f"wrapped-{chosen.label.replace(' to ', '--')}.html"
    return output / name if output.is_dir() else output
