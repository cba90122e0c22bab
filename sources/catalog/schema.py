"""The catalog database as this project makes it: keys, wide types, and a cursor that the database itself keeps.

The original schema cuts names short and has no timestamp. Here text is as wide as it comes, keys compare byte for byte,
and `updated_at` (microseconds) moves whenever a row changes, whoever changes it: by the column's own clause on MySQL
and MariaDB, by a trigger on SQLite and Postgres. SQLite's clock ticks in milliseconds; equal timestamps are normal, and
the source expects them.

Data flow: declared tables -> DDL -> an empty catalog database
"""

from typing import TYPE_CHECKING, Any

from sources.catalog.database import MYSQL, explained
from sources.catalog.tables import CATALOG
from sources.problem import Problem
from sources.table import Table

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY_LENGTH = 255
POSTGRES_NOW = "clock_timestamp() at time zone 'utc'"
POSTGRES_TOUCH = f"""create or replace function catalog_touch() returns trigger language plpgsql as $body$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := {POSTGRES_NOW};
    end if;
    return new;
end $body$"""
SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"


def catalog_columns(table: Table) -> list[str]:
    """The columns that a person fills: without the lake's own and without `updated_at`."""
    return [name for name in table.columns if name not in ("updated_at", "_partition")]


def create_tables(engine: "sa.Engine") -> None:
    """Make the three tables and `import_rejects` where they are missing.

    Raises:
        Problem: A table of that name is there in another shape, or the database refuses.
    """
    with explained(engine, "Making the catalog's tables"):
        metadata = _metadata(engine.dialect.name)
        _check_shape(engine, metadata)
        metadata.create_all(engine)
        with engine.begin() as connection:
            for statement in _triggers(engine.dialect.name):
                connection.exec_driver_sql(statement)


def _metadata(dialect: str) -> "sa.MetaData":
    import sqlalchemy as sa

    metadata = sa.MetaData()
    options: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
    options |= {name.replace("mysql", "mariadb"): value for name, value in options.items()}
    for table in CATALOG:
        columns = [_column(name, table) for name in catalog_columns(table)]
        stamp = sa.Column("updated_at", _stamp_type(dialect), nullable=False, server_default=sa.text(_now(dialect)))
        sa.Table(table.name, metadata, *columns, stamp, **options)
        sa.Index(f"{table.name}_by_updated_at", stamp)
    sa.Table(
        "import_rejects",
        metadata,
        sa.Column("file", sa.String(KEY_LENGTH), nullable=False, index=True),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("raw", _text(), nullable=False),
        **options,
    )
    return metadata


def _column(name: str, table: Table) -> "sa.Column[Any]":
    import sqlalchemy as sa

    if name in table.key:
        return sa.Column(name, sa.String(KEY_LENGTH), primary_key=True, nullable=False)
    return sa.Column(name, {"VARCHAR": _text(), "BIGINT": sa.BigInteger(), "DOUBLE": sa.Double()}[table.columns[name]])


def _text() -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects.mysql import MEDIUMTEXT

    return sa.Text().with_variant(MEDIUMTEXT(), *MYSQL)


def _stamp_type(dialect: str) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects.mysql import DATETIME

    return DATETIME(fsp=6) if dialect in MYSQL else sa.DateTime()


def _now(dialect: str) -> str:
    if dialect in MYSQL:
        return "current_timestamp(6) on update current_timestamp(6)"
    return {"sqlite": f"({SQLITE_NOW})", "postgresql": f"({POSTGRES_NOW})"}.get(dialect, "current_timestamp")


def _triggers(dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"create trigger if not exists {table.name}_touch after update on {table.name} for each row "
            f"when new.updated_at is old.updated_at and new.updated_at is not {SQLITE_NOW} "
            f"begin update {table.name} set updated_at = {SQLITE_NOW} where {table.key[0]} = new.{table.key[0]}; end"
            for table in CATALOG
        ]
    if dialect == "postgresql":
        touch = "before update on {} for each row execute function catalog_touch()"
        return [
            POSTGRES_TOUCH,
            *(f"create or replace trigger {t.name}_touch {touch.format(t.name)}" for t in CATALOG),
        ]
    return []


def _check_shape(engine: "sa.Engine", metadata: "sa.MetaData") -> None:
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    for name, wanted in metadata.tables.items():
        if inspector.has_table(name):
            missing = {column.name for column in wanted.columns} - {c["name"] for c in inspector.get_columns(name)}
            if missing:
                raise Problem(
                    f"The database has a table {name} of another shape already (without {', '.join(sorted(missing))}): "
                    "import into an empty database, or rename that table first."
                )
