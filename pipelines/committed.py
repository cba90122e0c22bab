"""A file of bronze, and one that should be there: what a snapshot of the lake is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """One parquet file of a committed load package."""

    path: str
    load_id: str
    bytes: int


@dataclass(frozen=True)
class Loss:
    """One file of a committed load package that no build may read: it is missing, spoiled or held back.

    Attributes:
        path: Below the lake's root.
        table: View name of its table.
        reason: What is wrong with it.
        rows: Rows that it held; None if nobody knows.
        first_at: Time of its first row as text; None where rows have no time.
        last_at: Of its last row.
        is_healed: Whether its rows came again in a later package.
    """

    path: str
    table: str
    load_id: str
    reason: str
    rows: int | None
    first_at: str | None
    last_at: str | None
    is_healed: bool = False
