"""Checksums that every engine can make: the sum over rows of the first 15 hex digits of an md5.

The number of a text is below 2**60, so that any database, DuckDB and Python agree on it, and a sum does not care about
order. `Tally` is what two sides compare: how many rows, the sum over their keys, and the sum of a measure (their
content, or their cursor).

Data flow: key parts, values -> number -> Tally
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import md5

UNIT = "\x1f"
"""Between the parts of a key, and between the columns of a row."""
NOTHING = "\x1e"
"""Stands for NULL, so that NULL and an empty text differ."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True)
class Tally:
    """A count of rows with two sums over them."""

    rows: int = 0
    keys: int = 0
    measure: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.rows + other.rows, self.keys + other.keys, self.measure + other.measure)

    def stored(self) -> list[str]:
        """As texts: a sum does not fit the integers of a JSON file."""
        return [str(self.rows), str(self.keys), str(self.measure)]

    @classmethod
    def restored(cls, stored: Iterable[str] | None) -> "Tally | None":
        """From what `stored` gave."""
        return cls(*map(int, stored)) if stored is not None else None


def number(text: str) -> int:
    """The number of a text, below 2**60."""
    return int(md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:15], 16)


def text_of(value: object) -> str:
    """A value as text, the same in every engine for keys of text and integers."""
    if value is None:
        return NOTHING
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return str(value)


def cursor_number(value: object) -> int:
    """A cursor as a number: microseconds since 1970 in UTC, an integer as it is, -1 for NULL, else a text's number."""
    if value is None:
        return -1
    if isinstance(value, int):
        return value
    moment = _moment(value)
    return number(text_of(value)) if moment is None else _microseconds(moment)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    past = moment - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
