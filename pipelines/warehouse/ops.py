"""The tables of `ops`, in the words of DuckDB; Postgres gets the same from `in_postgres`.

They tell of every run, whatever its end, and belong to no generation of gold.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.warehouse import OPS

POSTGRES_TYPES = {"VARCHAR": "text", "DOUBLE": "double precision"}
"""Types that Postgres spells otherwise."""


@dataclass(frozen=True)
class OpsTable:
    """One table of `ops`.

    Attributes:
        columns: DuckDB type by name, in the order of the record that a row is made from.
        key: Columns of which the newest row counts.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]


PIPELINE_RUNS = OpsTable(
    "pipeline_runs",
    {
        "run_id": "VARCHAR",
        "started_at": "TIMESTAMPTZ",
        "ended_at": "TIMESTAMPTZ",
        "state": "VARCHAR",
        "exit_code": "BIGINT",
        "rows": "BIGINT",
        "seconds": "DOUBLE",
    },
    ("run_id",),
)
RECONCILIATION = OpsTable(
    "reconciliation",
    {
        "run_id": "VARCHAR",
        "table_name": "VARCHAR",
        "station": "VARCHAR",
        "rows": "BIGINT",
        "key_checksum": "DECIMAL(38,0)",
        "explained": "BOOLEAN",
    },
    ("run_id", "table_name", "station"),
)
TABLES = (PIPELINE_RUNS, RECONCILIATION)


def in_postgres() -> str:
    """The statements that make schema `ops` in Postgres, where it is not there yet."""
    return "; ".join([f"create schema if not exists {OPS}", *map(_create, TABLES)])


def _create(table: OpsTable) -> str:
    columns = [f"{name} {POSTGRES_TYPES.get(kind, kind)}" for name, kind in table.columns.items()]
    return f"create table if not exists {OPS}.{table.name} ({', '.join(columns)}, primary key ({', '.join(table.key)}))"
