"""How each table is read: looked up in the database, decided by settings, and by default by the table itself.

A table whose id is unique and that has an indexed timestamp named like `updated_at` is read by that cursor
(`watermark`); any other is read whole whenever it changed (`full`).

Data flow: reflection, settings -> Choice
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from sources.catalog.checksum import UNIT, number
from sources.catalog.kinds import GROWING, KEPT, Column, column_of, named
from sources.catalog.tables import CATALOG, declared
from sources.problem import Problem, UsageProblem

if TYPE_CHECKING:
    import sqlalchemy as sa

IDS = {table.name: table.key[0] for table in CATALOG}
"""The column that silver tells a table's rows apart by, whatever its primary key is."""
STRATEGIES = ("full", "watermark", "partition")
CURSORS = ("updated_at", "last_updated", "last_updated_at", "modified_at", "last_modified", "changed_at", "updated")


class TableSettings(Protocol):
    """What a person may set for a table."""

    @property
    def strategy(self) -> str | None:
        """`full`, `watermark` or `partition`; None for the table's own."""

    @property
    def cursor(self) -> str | None:
        """The column that grows with each change."""

    @property
    def partition(self) -> str | None:
        """The date column."""

    @property
    def allow_shrink(self) -> bool:
        """Load a snapshot that is empty or less than half of the last."""


@dataclass(frozen=True)
class Default:
    """The settings of a table for which nothing is set."""

    strategy: str | None = None
    cursor: str | None = None
    partition: str | None = None
    allow_shrink: bool = False


@dataclass(frozen=True)
class Choice:
    """How a table is read.

    Attributes:
        table: Its name.
        columns: All its columns, in order.
        key: Columns of its primary key, which windows are read along where they can be; empty without one.
        id: The column that rows are counted, compared and told gone by; None for a table that lacks it.
        has_unique_id: Whether no two rows can have one id.
        strategy: full, watermark or partition.
        cursor: The cursor column under watermark.
        partition: The date column under partition.
        allow_shrink: Whether a snapshot may lose more than half.
        may_lack_id: Whether the id is the primary key and a row can still be without, as SQLite lets it.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    id: Column | None
    has_unique_id: bool
    strategy: str
    cursor: Column | None
    partition: Column | None
    allow_shrink: bool
    may_lack_id: bool = False

    @property
    def signature(self) -> list[str]:
        """What a base was made with; another signature starts another base.

        The columns are part of it: no cursor tells that old rows have a value in a new column.
        """
        columns = number(UNIT.join(sorted(column.name for column in self.columns)))
        cursor, partition, own = (found.name if found else "" for found in (self.cursor, self.partition, self.id))
        return [self.strategy, cursor, partition, f"{columns:x}", own]

    @property
    def shape(self) -> dict[str, str]:
        """Kind of each column by name."""
        return {column.name: column.kind for column in self.columns}

    def column(self, name: str) -> Column | None:
        """A column by name, in any case of letters; one of exactly this case goes first."""
        return named(self.columns, name)


def environment(table: str, setting: str) -> str:
    """The environment variable of a table's setting."""
    return f"SOURCES__CATALOG__{table.upper()}__{setting.upper()}"


def choose(inspector: "sa.Inspector", table: str, settings: TableSettings) -> Choice:
    """Decide how a table is read.

    Raises:
        Problem: The table is missing.
        UsageProblem: A setting names what the table does not have.
    """
    import sqlalchemy as sa

    try:
        columns = tuple(column_of(found) for found in inspector.get_columns(table))
    except sa.exc.NoSuchTableError:
        columns = ()
    if not columns:
        from sources.catalog.database import SETTING, place

        where = place(inspector.engine)
        raise Problem(f"The catalog {where} has no table {table}: fill it with import-catalog, or correct {SETTING}.")
    by_name = {column.name: column for column in columns}
    key = tuple(by_name[name] for name in inspector.get_pk_constraint(table)["constrained_columns"])
    own = named(columns, IDS.get(table, ""))
    is_unique = own is not None and (key == (own,) or _is_unique(inspector, table, own))
    may_lack_id = own is not None and key == (own,) and _is_nullable(inspector, table, own)
    bare = Choice(table, columns, key, own, is_unique, "full", None, None, settings.allow_shrink, may_lack_id)
    strategy = settings.strategy or _own_strategy(bare, inspector, settings)
    return replace(
        bare,
        strategy=_checked(bare, strategy),
        cursor=_growing(bare, settings.cursor or _own_cursor(bare)) if strategy == "watermark" else None,
        partition=_named(bare, settings.partition, "PARTITION") if strategy == "partition" else None,
    )


def _is_unique(inspector: "sa.Inspector", table: str, own: Column) -> bool:
    # SQLite's name for the indexes of constraints; of any other database they are among the indexes
    found = inspector.get_indexes(table, include_auto_indexes=True)
    uniques = [index["column_names"] for index in found if index["unique"] and not _is_partial(index)]
    return [own.name] in uniques and not _is_nullable(inspector, table, own)


def _is_nullable(inspector: "sa.Inspector", table: str, own: Column) -> bool:
    return any(column["nullable"] for column in inspector.get_columns(table) if column["name"] == own.name)


def _is_partial(index: Any) -> bool:
    return any(name.endswith("_where") for name in index.get("dialect_options", ()))


def _own_strategy(bare: Choice, inspector: "sa.Inspector", settings: TableSettings) -> str:
    if settings.partition:
        return "partition"
    if settings.cursor:
        return "watermark"
    cursor = bare.column(_own_cursor(bare) or "")
    indexed = {str(index["column_names"][0]) for index in inspector.get_indexes(bare.table) if index["column_names"]}
    by_itself = cursor and cursor.name in indexed and cursor.kind in ("timestamp", "instant") and bare.has_unique_id
    return "watermark" if by_itself else "full"


def _own_cursor(bare: Choice) -> str | None:
    return next((name for name in CURSORS if bare.column(name)), None)


def _checked(bare: Choice, strategy: str) -> str:
    if strategy not in STRATEGIES:
        raise UsageProblem(f"{environment(bare.table, 'strategy')} is {strategy!r}: take {', '.join(STRATEGIES)}.")
    if strategy == "watermark" and not bare.has_unique_id:
        raise UsageProblem(
            f"{bare.table} has no primary key of {IDS[bare.table]} alone, and no unique index of it over rows that all "
            "have one, and without either a cursor cannot tell a changed row from a new one, nor which is gone: "
            f"add one, or set {environment(bare.table, 'strategy')} to full or partition."
        )
    return strategy


def _growing(bare: Choice, name: str | None) -> Column:
    column = _named(bare, name, "CURSOR")
    if column.kind not in GROWING:
        raise UsageProblem(
            f"{environment(bare.table, 'cursor')} names {column.name}, which is no time, whole number or text: "
            "a cursor must be one of these."
        )
    kept = declared(bare.table).columns.get(column.name.lower(), "")
    if kept and column.kind not in KEPT.get(kept, ()):
        raise UsageProblem(
            f"{environment(bare.table, 'cursor')} names {column.name}, of the kind {column.kind}, which the lake keeps "
            f"as {kept}, so that the two cannot be compared: name another column, or set "
            f"{environment(bare.table, 'strategy')} to full or partition."
        )
    return column


def _named(bare: Choice, name: str | None, setting: str) -> Column:
    column = bare.column(name) if name else None
    if column is None:
        has = ", ".join(column.name for column in bare.columns)
        raise UsageProblem(
            f"{environment(bare.table, setting)} must name a column of {bare.table}"
            f"{f', not {name!r}' if name else ''}: it has {has}."
        )
    return column
