"""Cells of a CSV file as values: integers exactly, text byte for byte, numbers never wrapped.

The data set writes integers as floats (`193093.0`); what is no whole number, or does not fit 64 bits, is no value.

Data flow: cells -> tuple of int, float, str or None
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

BIGINT = 1 << 63


class BadValue(ValueError):
    """A cell does not hold what its column takes."""


def whole(cell: str) -> int:
    """An integer, written as one or as a float without a fraction.

    Raises:
        BadValue: It is none, or needs more than 64 bits.
    """
    digits = cell.removesuffix(".0")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        return int(digits)
    try:
        number = Decimal(cell) if "_" not in cell and cell.isascii() else Decimal("nan")
        if number.is_finite() and abs(number.adjusted()) < 400 and number == number.to_integral_value():
            value = int(number)
            if -BIGINT <= value < BIGINT:
                return value
    except InvalidOperation:
        pass
    raise BadValue(f"not a whole number of 64 bits: {cell[:40]!r}")


def real(cell: str) -> float:
    """A finite number.

    Raises:
        BadValue: It is none.
    """
    try:
        number = float(cell) if "_" not in cell and cell.isascii() else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadValue(f"not a number: {cell[:40]!r}")
    return number


Maker = Callable[[str], object]
KINDS: dict[str, Maker | None] = {"BIGINT": whole, "DOUBLE": real, "VARCHAR": None}
"""What makes a value of a cell; None keeps the text."""


def convert(fields: list[str], makers: Sequence[tuple[int, Maker | None]], header: Sequence[str]) -> tuple[object, ...]:
    """The values of a row; an empty cell is None.

    Args:
        fields: The row's cells, and one empty cell more for the columns that the file lacks.
        makers: For each column of the table, where its cell is and what makes its value.
        header: Names of the cells, for the message.

    Raises:
        BadValue: A cell does not hold what its column takes; the message names the column.
    """
    try:
        return tuple(
            [(cell if make is None else make(cell)) if (cell := fields[place]) else None for place, make in makers]
        )
    except BadValue:
        for place, make in makers:
            _check(fields[place], make, header[place] if place >= 0 else "")
        raise


def _check(cell: str, make: Maker | None, name: str) -> None:
    try:
        if cell and make is not None:
            make(cell)
    except BadValue as error:
        raise BadValue(f"{name or 'index'} is {error}") from None
