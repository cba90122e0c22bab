"""The few expressions in which databases differ, as SQL text.

Text and not SQLAlchemy expressions, because connectorx takes a text, and a where clause must mean the same to both.

Data flow: Choice -> expressions for one dialect
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sources.catalog.choice import Choice
from sources.catalog.database import MYSQL
from sources.catalog.kinds import Column

if TYPE_CHECKING:
    import sqlalchemy as sa

NO_DATE = "null"
"""The partition of rows without a date."""
NUMERIC = ("integer", "unsigned", "bit", "decimal", "double")
UNIX_START = "'1970-01-01 00:00:00'"


@dataclass(frozen=True)
class Sql:
    """Expressions over one table in one dialect.

    Attributes:
        dialect: SQLAlchemy's name of it.
        choice: The table.
        engine: For quoting names.
    """

    dialect: str
    choice: Choice
    engine: "sa.Engine"

    @classmethod
    def over(cls, engine: "sa.Engine", choice: Choice) -> "Sql":
        """Expressions over a table of this database."""
        return cls("mysql" if engine.dialect.name in MYSQL else engine.dialect.name, choice, engine)

    @property
    def counts_itself(self) -> bool:
        """Whether the server can make checksums; any other database's rows are read and summed here."""
        return self.dialect in ("mysql", "postgresql")

    def name(self, name: str) -> str:
        """A quoted name."""
        quoted = self.engine.dialect.identifier_preparer.quote(name)
        # doubled for drivers that format, which none does with a statement without parameters
        return quoted.replace("%%", "%") if self.engine.dialect.paramstyle in ("format", "pyformat") else quoted

    @property
    def table(self) -> str:
        """The table's quoted name."""
        return self.name(self.choice.table)

    def literal(self, value: object) -> str:
        """A value in a statement."""
        if isinstance(value, int):
            return str(value)
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'::bytea" if self.dialect == "postgresql" else f"x'{value.hex()}'"
        text = str(value)
        if self.dialect == "mysql" and (not text.isascii() or not text.isprintable() or set("'\\") & set(text)):
            # with an introducer it takes the collation of the column, as a plain literal does
            return f"_utf8mb4 x'{text.encode().hex()}'"
        return "'" + text.replace("'", "''") + "'"

    def as_text(self, column: Column) -> str:
        """A column as text, such that different values give different texts."""
        name = self.name(column.name)
        if self.dialect == "postgresql" and column.kind == "text":
            # a cast takes the blanks off a char(n), with which the driver gives it
            return f"case when {name} is null then null else format('%s', {name}) end"
        if self.dialect == "postgresql":
            return f"cast({name} as text)"
        if column.kind in ("timestamp", "instant"):
            return f"date_format({name}, '%Y-%m-%d %H:%i:%S.%f')"
        if column.kind == "binary":
            return f"hex({name})"
        if column.kind in ("bit", "double"):
            return f"cast({name} + 0e0 as char)" if column.kind == "double" else f"cast({name} + 0 as char)"
        return f"convert({name} using utf8mb4)" if column.kind in ("text", "enum", "json") else f"cast({name} as char)"

    def hashed(self, text: str) -> str:
        """The number of a text, as in `checksum.number`."""
        if self.dialect == "postgresql":
            return f"cast(cast('x' || left(md5({text}), 15) as bit(60)) as bigint)"
        return f"cast(conv(left(md5({text}), 15), 16, 10) as unsigned)"

    def id_number(self) -> str:
        """The number of a row's id, as the lake writes it; NULL for a row without one."""
        if self.id.kind != "binary":
            return self.hashed(self.as_text(self.id))
        name = self.name(self.id.name)
        readable = f"convert_from({name}, 'UTF8')" if self.dialect == "postgresql" else f"convert({name} using utf8mb4)"
        return self.hashed(readable)

    def content_number(self) -> str:
        """The number of all that a row holds."""
        return self.hashed(self._joined(self.choice.columns, nullable=True))

    def cursor_number(self) -> str:
        """The cursor as in `checksum.cursor_number`."""
        column = self._cursor
        name = self.name(column.name)
        if column.kind in ("integer", "unsigned"):
            value = name
        elif column.kind in ("timestamp", "instant", "date") and self.dialect == "postgresql":
            value = f"cast(extract(epoch from {name}) * 1000000 as bigint)"
        elif column.kind in ("timestamp", "instant", "date"):
            value = f"timestampdiff(microsecond, {UNIX_START}, {name})"
        else:
            value = self.hashed(self.as_text(column))
        return f"coalesce({value}, -1)"

    def partition_label(self) -> str:
        """The date that a row belongs to, as text; `null` without one."""
        column = self.choice.partition
        if column is None:
            raise ValueError(f"{self.choice.table} is not read by partition")
        name = self.name(column.name)
        if self.dialect == "mysql" and column.kind in ("timestamp", "instant", "date"):
            dateless = f"coalesce(year({name}) * month({name}) * dayofmonth({name}), 0) = 0"
            return f"case when {dateless} then '{NO_DATE}' else date_format({name}, '%Y-%m-%d') end"
        if self.dialect == "mysql":
            shape = f"{name} regexp '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'"
            return f"case when {shape} then left({name}, 10) else '{NO_DATE}' end"
        if self.dialect == "sqlite":
            shape = f"{name} glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
            return f"case when {shape} then substr({name}, 1, 10) else '{NO_DATE}' end"
        text = f"substr(cast({name} as varchar(40)), 1, 10)"
        return f"case when {text} like '____-__-__' then {text} else '{NO_DATE}' end"

    def in_partitions(self, labels: Iterable[str]) -> str:
        """Rows of these partitions; by range where the column is a date, so that an index helps."""
        labels = sorted(labels)
        column = self.choice.partition
        if column is not None and column.kind in ("timestamp", "date") and self.dialect == "mysql":
            name = self.name(column.name)
            dated = [
                f"{name} >= '{label}' and {name} < '{label}' + interval 1 day" for label in labels if label != NO_DATE
            ]
            other = [f"{self.partition_label()} = '{NO_DATE}'"] if NO_DATE in labels else []
            return any_of([*dated, *other])
        return f"{self.partition_label()} in ({', '.join(map(self.literal, labels))})"

    def up_to(self, bound: str | int | None) -> str:
        """Rows whose cursor is at or below a bound, or NULL."""
        name = self.name(self._cursor.name)
        told = f"{name} is null" if bound is None else f"({name} <= {self.literal(bound)} or {name} is null)"
        return f"{told}{self._with_id}"

    def compare(self, operator: str, bound: str | int) -> str:
        """Rows whose cursor compares to a bound."""
        return f"{self.name(self._cursor.name)} {operator} {self.literal(bound)}{self._with_id}"

    def without_cursor(self) -> str:
        """Rows whose cursor is NULL."""
        return f"{self.name(self._cursor.name)} is null{self._with_id}"

    @property
    def _with_id(self) -> str:
        """Leaves out the rows that lack an id: a cursor cannot tell one from another, and silver shows none."""
        return f" and {self.name(self.id.name)} is not null" if self.choice.may_lack_id else ""

    def in_buckets(self, buckets: Sequence[int], of: int) -> str:
        """Rows whose id's number falls into one of these buckets."""
        return f"{self.id_number()} % {of} in ({', '.join(map(str, buckets))})"

    def with_ids(self, ids: Sequence[str]) -> str:
        """Rows with one of these ids."""
        return f"{self.name(self.id.name)} in ({', '.join(self._literal_of(self.id, each) for each in ids)})"

    def after_key(self, key: Sequence[object]) -> str:
        """Rows that come after a key in the key's order."""
        names = [self.name(column.name) for column in self.choice.key]
        values = [self._literal_of(column, part) for column, part in zip(self.choice.key, key, strict=True)]
        steps = [
            " and ".join(
                [*(f"{n} = {v}" for n, v in zip(names[:i], values[:i], strict=True)), f"{names[i]} > {values[i]}"]
            )
            for i in range(len(names))
        ]
        return any_of(steps) if len(steps) == 1 else f"{names[0]} >= {values[0]} and ({any_of(steps)})"

    def _literal_of(self, column: Column, part: object) -> str:
        """A part of a key, given as value or as text; a number as a number, since as text it would become a double."""
        if column.kind in NUMERIC:
            return str(Decimal(str(part)))
        if column.kind == "binary":
            return self.literal(part if isinstance(part, bytes) else str(part).encode())
        return self.literal(part)

    @property
    def id(self) -> Column:
        """The column that rows are told apart by."""
        if self.choice.id is None:
            raise ValueError(f"{self.choice.table} has no id")
        return self.choice.id

    @property
    def _cursor(self) -> Column:
        if self.choice.cursor is None:
            raise ValueError(f"{self.choice.table} has no cursor")
        return self.choice.cursor

    def _joined(self, columns: Sequence[Column], *, nullable: bool = False) -> str:
        texts = [self.as_text(column) for column in columns]
        character = "char({} using utf8mb4)" if self.dialect == "mysql" else "chr({})"
        if nullable:
            texts = [f"coalesce({text}, {character.format(30)})" for text in texts]
        return texts[0] if len(texts) == 1 else f"concat_ws({character.format(31)}, {', '.join(texts)})"


def any_of(conditions: Sequence[str]) -> str:
    """Conditions joined by or."""
    return f"({conditions[0]})" if len(conditions) == 1 else "(" + " or ".join(f"({c})" for c in conditions) + ")"
