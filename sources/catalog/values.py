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


KINDS: dict[str, Callable[[str], object]] = {"BIGINT": whole, "DOUBLE": real, "VARCHAR": str}


def convert(
    fields: list[str], places: Sequence[int | None], kinds: Sequence[str], header: Sequence[str]
) -> tuple[object, ...]:
    """The values of a row; an empty cell, and a column that the file lacks, is None.

    Args:
        fields: The row's cells.
        places: For each column of the table, where its cell is.
        kinds: For each column of the table, its DuckDB type.
        header: Names of the cells, for the message.

    Raises:
        BadValue: A cell does not hold what its column takes; the message names the column.
    """
    values: list[object] = []
    for place, kind in zip(places, kinds, strict=True):
        cell = fields[place] if place is not None else ""
        if not cell:
            values.append(None)
        elif kind == "VARCHAR":
            values.append(cell)
        else:
            try:
                values.append(KINDS[kind](cell))
            except BadValue as error:
                raise BadValue(f"{header[place or 0] or 'index'} is {error}") from None
    return tuple(values)
