"""A range of days in the listener's zone, both ends in it, and the range that it is compared with."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from sources.problem import UsageProblem


@dataclass(frozen=True)
class Span:
    """The days from `first` to `last`.

    Attributes:
        first: First day.
        last: Last day.
        is_year: A calendar year, or as much of it as there is: compared with the same days of the year before.
    """

    first: date
    last: date
    is_year: bool = False

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def label(self) -> str:
        """The range as a title: `2025`, or both ends."""
        if self.is_year and (self.last.month, self.last.day) == (12, 31):
            return str(self.first.year)
        return f"{self.first.isoformat()} to {self.last.isoformat()}"

    @property
    def before(self) -> "Span":
        """The range to compare with: the same days a year before for a year, else as many days just before."""
        if self.is_year:
            year = self.last.year - 1
            day = min(self.last.day, monthrange(year, self.last.month)[1])
            return Span(date(year, 1, 1), date(year, self.last.month, day), is_year=True)
        return Span(_earlier(self.first, self.days), _earlier(self.first, 1))


def _earlier(day: date, days: int) -> date:
    """So many days before a day; the first of all days before that there is none."""
    return date.fromordinal(max(date.min.toordinal(), day.toordinal() - days))


def year(number: int, until: date | None = None) -> Span:
    """A calendar year, cut at a day if that lies in it.

    Raises:
        UsageProblem: No calendar has such a year.
    """
    if not 1900 <= number <= 9998:
        raise UsageProblem(f"{number} is not a year that music was streamed in: give one like 2025.")
    end = date(number, 12, 31)
    return Span(date(number, 1, 1), until if until and until.year == number else end, is_year=True)


def span(first: str, last: str) -> Span:
    """A range from two ISO dates.

    Raises:
        UsageProblem: A date is wrong, or they are in the wrong order.
    """
    found = Span(day(first), day(last))
    if found.last < found.first:
        raise UsageProblem(f"The range {first} to {last} ends before it begins: turn the two dates round.")
    return found


def day(text: str) -> date:
    """An ISO date.

    Raises:
        UsageProblem: It is none.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise UsageProblem(f"{text} is not a date: write it as 2025-12-31.") from None
    if not 1900 <= found.year <= 9998:
        raise UsageProblem(f"{text} lies in no year that music was streamed in.")
    return found
