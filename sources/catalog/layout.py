"""What a page of rows looks like in the lake, whatever the source gave.

Declared columns come first, in their declared types, whatever the case of their names at the source; a column that the
source lacks is null. A column that is not declared flows through in the type that the source gives it, with a number
behind its name if another column has that name in the lake. Casts are safe: a number that does not fit stops the table
instead of being wrapped.

Data flow: rows or connectorx's arrow table -> arrow table of the layout
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sources.catalog.checksum import text_of
from sources.catalog.choice import Choice
from sources.catalog.kinds import Column
from sources.catalog.tables import declared
from sources.problem import Problem

if TYPE_CHECKING:
    import pyarrow as pa

WIDEST_DECIMAL = 38
NameOf = Callable[[str, Any], str]


class Misfit(Problem):
    """What was read and cannot be right, such as a value that does not fit its column: it stops its table."""

    def __init__(self, message: str, table: str) -> None:
        super().__init__(message)
        self.table = table


@dataclass(frozen=True)
class Layout:
    """The columns of a bronze table, and where in the source each comes from.

    Attributes:
        table: Its name.
        schema: Its columns.
        columns: The source's columns by name.
        origins: Name in the source by name here, for each column of the source.
    """

    table: str
    schema: "pa.Schema"
    columns: Mapping[str, Column]
    origins: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, column: Column) -> str:
        """The name in the lake of a column of the source."""
        return next(here for here, there in self.origins.items() if there == column.name)

    def page(self, given: "pa.Table") -> "pa.Table":
        """Shape a table that has the source's columns.

        Raises:
            Problem: A value does not fit its column.
        """
        import pyarrow as pa

        return pa.Table.from_arrays([self._column(given, wanted) for wanted in self.schema], schema=self.schema)

    def from_rows(self, names: Sequence[str], rows: Sequence[Sequence[Any]], dialect: str) -> "pa.Table":
        """Shape rows as a driver gives them.

        Raises:
            Problem: A value does not fit its column.
        """
        import pyarrow as pa

        values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        arrays = []
        for name, cells in zip(names, values, strict=True):
            kind = arrow_type(self.columns[name], dialect) if name in self.columns else pa.string()
            try:
                arrays.append(_array(cells, kind))
            except (pa.ArrowException, ValueError, TypeError, OverflowError, ArithmeticError) as error:
                raise self._misfit(name, kind, error) from error
        return self.page(pa.Table.from_arrays(arrays, names=list(names)))

    def _column(self, given: "pa.Table", wanted: "pa.Field") -> Any:
        import pyarrow as pa

        name = self.origins.get(wanted.name, wanted.name)
        if name not in given.column_names:
            return pa.nulls(given.num_rows, wanted.type)
        column = given[name]
        try:
            return column if column.type == wanted.type else _cast(column, wanted.type)
        except pa.ArrowException as error:
            raise self._misfit(name, wanted.type, error) from error

    def _misfit(self, name: str, kind: object, error: BaseException) -> Misfit:
        first = str(error).splitlines()[0]
        return Misfit(
            f"The catalog's column {self.table}.{name} holds what is no {kind}: {first}. Nothing of this table was "
            "loaded; correct the value at the source.",
            self.table,
        )


def layout_of(choice: Choice, dialect: str, name_of: NameOf = lambda name, _type: name) -> Layout:
    """The layout of a table that is read so.

    Args:
        choice: How the table is read.
        dialect: The database's.
        name_of: Name in the lake of a column that is not declared, by its name and type.
    """
    import pyarrow as pa

    fields = list(declared(choice.table).arrow_schema)
    origins = {wanted.name: found.name for wanted in fields if (found := choice.column(wanted.name))}
    others = [
        (name_of(column.name, kind), column.name, kind)
        for column in choice.columns
        if column.name not in origins.values()
        for kind in [arrow_type(column, dialect)]
    ]
    # a column that has its name already keeps it
    for name, origin, kind in sorted(others, key=lambda other: other[0] != other[1]):
        free = _free(name, {found.name for found in fields})
        fields.append(pa.field(free, kind))
        origins[free] = origin
    return Layout(choice.table, pa.schema(fields), {column.name: column for column in choice.columns}, origins)


def _free(name: str, taken: Collection[str]) -> str:
    return next(each for each in (name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))) if each not in taken)


def arrow_type(column: Column, dialect: str) -> "pa.DataType":
    """The type that a column of the source has in the lake when it is not declared."""
    import pyarrow as pa

    if column.kind == "decimal":
        if dialect == "sqlite":
            return pa.float64()
        fits = column.precision is not None and column.precision <= WIDEST_DECIMAL
        return pa.decimal128(column.precision, column.scale or 0) if fits else pa.string()
    return {
        "integer": pa.int64(),
        "unsigned": pa.uint64(),
        "bit": pa.uint64(),
        "double": pa.float64(),
        "timestamp": pa.timestamp("us", tz="UTC"),  # a DATETIME has no zone: it is taken for UTC
        "instant": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "binary": pa.binary(),
        "boolean": pa.int64() if dialect == "sqlite" else pa.bool_(),
    }.get(column.kind, pa.string())


def _cast(column: Any, kind: "pa.DataType") -> Any:
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(column.type) and column.type.tz is None:
        return column.cast(pa.timestamp("us")).cast(kind)
    if pa.types.is_timestamp(kind) and pa.types.is_integer(column.type):
        return column.cast(pa.int64()).cast(kind)
    if pa.types.is_integer(kind) and pa.types.is_string(column.type):
        return column.cast(pa.decimal128(WIDEST_DECIMAL, 0)).cast(kind)
    return column.cast(kind)


def _array(cells: Sequence[Any], kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    makers: dict[Callable[[Any], bool], Callable[[Any], object]] = {
        pa.types.is_string: lambda cell: cell if isinstance(cell, str) else text_of(cell),
        pa.types.is_integer: lambda cell: cell if isinstance(cell, int) else _whole(cell),
        pa.types.is_floating: float,
        pa.types.is_binary: lambda cell: cell.encode() if isinstance(cell, str) else cell,
        pa.types.is_decimal: lambda cell: Decimal(str(cell)),
    }
    for is_kind, make in makers.items():
        if is_kind(kind):
            return pa.array([None if cell is None else make(cell) for cell in cells], kind)
    if not any(isinstance(cell, str) for cell in cells):
        return pa.array(cells, kind)
    texts = pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    return _moments(texts).cast(kind) if pa.types.is_timestamp(kind) else texts.cast(kind)


def _moments(texts: "pa.Array") -> "pa.Array":
    """Times written with an offset, or all without one."""
    import pyarrow as pa

    try:
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return texts.cast(pa.timestamp("us", tz="UTC"))


def _whole(cell: Any) -> int:
    number = Decimal(str(cell))
    if number != number.to_integral_value():
        raise ValueError(f"{cell!r} is not a whole number")
    return int(number)
