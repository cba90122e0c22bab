"""`run.py stats` against sums over the facts, which the command itself never reads."""

import re
from collections.abc import Iterator
from datetime import date, datetime

import pytest

from pipelines.span import Span
from pipelines.stats import ASKED, Stats, render
from pipelines.wrapped.questions import Answer
from tests.environment import Environment

RANGE = ["--from", "2025-02-03", "--to", "2025-05-17"]
VERSUS = ["--versus", "2024-08-01", "2024-08-31"]


def told(text: str, label: str) -> list[int]:
    """The numbers of a line, without the change."""
    (line,) = re.findall(rf"^  {label} +(.+)$", text, re.MULTILINE)
    return [int(number.replace(",", "")) for number in re.findall(r"(?<![\d.+-])\d[\d,]*(?![\d.,%])", line)]


def facts(built: Environment, first: str, last: str) -> dict[str, str]:
    (row,) = built.ask(
        "select count(*) as plays, round(sum(ms_played) / 60000)::bigint as minutes, count(distinct played_on) as days"
        f" from gold.fct_plays where is_counted and played_on between date '{first}' and date '{last}'"
    )
    return row


def test_two_ranges_stand_side_by_side(built: Environment) -> None:
    answer = built.run("stats", *RANGE, *VERSUS)
    now, before = facts(built, "2025-02-03", "2025-05-17"), facts(built, "2024-08-01", "2024-08-31")

    assert answer.returncode == 0, answer.stderr
    assert told(answer.stdout, "plays") == [int(now["plays"]), int(before["plays"])]
    assert told(answer.stdout, "minutes") == [int(now["minutes"]), int(before["minutes"])]
    assert told(answer.stdout, "days with music") == [int(now["days"]), int(before["days"])]
    assert "at least" not in answer.stdout


def test_ranks_are_compared_with_the_other_range(built: Environment) -> None:
    answer = built.run("stats", *RANGE, *VERSUS)
    ranked = "row_number() over (order by sum(plays) desc, sum(ms_played) desc, artist_key)"
    (first,) = built.ask(
        "select artist_key from gold.daily_artists where played_on between date '2025-02-03' and date '2025-05-17'"
        f" group by 1 order by {ranked} limit 1"
    )
    ranks = built.ask(
        f"select artist_key, {ranked} as rank from gold.daily_artists"
        " where played_on between date '2024-08-01' and date '2024-08-31' group by 1"
    )
    was = {row["artist_key"]: row["rank"] for row in ranks}.get(first["artist_key"])

    line = answer.stdout.split("Artists\n")[1].splitlines()[0]

    assert line.endswith(f"was {was}" if was else "was not there")


def test_without_a_range_it_is_all_of_it(built: Environment) -> None:
    answer = built.run("stats")

    assert told(answer.stdout, "plays") == [int(facts(built, "1900-01-01", "2999-01-01")["plays"])]


@pytest.mark.parametrize("arguments", [RANGE[:2], ["--from", "2025-01-02", "--to", "2025-01-01"], VERSUS[:1]])
def test_a_range_that_is_none_is_wrong_usage(built: Environment, arguments: list[str]) -> None:
    assert built.run("stats", *arguments).returncode == 2


def with_gaps(gaps: int) -> Stats:
    totals = dict.fromkeys(("plays", "ms_played", "days", "new_tracks", "new_artists", "tracks", "artists"), 60_000)
    at = datetime(2025, 1, 5, 12)  # noqa: DTZ001 the listener's own zone, as the question answers
    found = {"gaps": gaps, "missing_at_least": 7, "from_at": at, "to_at": at}
    rows = {name: Answer("", ()) for name in ASKED} | {"totals": Answer("", (totals,)), "gaps": Answer("", (found,))}
    return Stats(Span(date(2025, 1, 1), date(2025, 1, 31)), rows)


def amounts(lines: Iterator[str]) -> list[str]:
    return [line for line in lines if line.startswith("  plays")]


def test_numbers_of_a_range_with_a_gap_are_minimums() -> None:
    (gapped,) = amounts(render(with_gaps(1)))
    (whole,) = amounts(render(with_gaps(0)))
    (mixed,) = amounts(render(with_gaps(0), with_gaps(2)))

    assert "at least 60,000" in gapped
    assert "at least" not in whole
    assert mixed.count("at least") == 1
    assert any("at least 7 plays missing" in line for line in render(with_gaps(1)))
