"""Bronze tables as data.

A source declares the tables that it writes; the loader takes parquet types from the declaration, and the builder makes
a view with every declared column even before the first file of a table exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

LOAD_ID = "_dlt_load_id"
"""Column that dlt adds to every row: the load package that brought it."""


@dataclass(frozen=True)
class Table:
    """One bronze table.

    Attributes:
        name: Name of the table, unique within its source.
        columns: DuckDB type of each column by name, in order, without `_dlt_load_id`.
        key: Columns that tell one row from another within a load package.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = set(self.key) - set(self.columns)
        if unknown:
            raise ValueError(f"key of {self.name} names columns that it does not have: {sorted(unknown)}")

    @property
    def arrow_schema(self) -> "pa.Schema":
        """The columns as a pyarrow schema; every column is nullable."""
        import pyarrow as pa

        return pa.schema([(name, _arrow_type(kind)) for name, kind in self.columns.items()])


def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "INTEGER": pa.int32(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "BLOB": pa.binary(),
        "DATE": pa.date32(),
        "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
        "DECIMAL(38,0)": pa.decimal128(38, 0),
    }[kind]
