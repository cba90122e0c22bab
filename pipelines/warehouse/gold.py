"""The gold tables: their names, keys and descriptions from the dbt manifest, their rows from the build database.

Nothing here knows a table by name. dbt's manifest of the target `lake` says what gold is; the build database says
what it holds.

Data flow: manifest.json -> GoldTable; build database -> TableState
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.duck import literal, quote
from pipelines.warehouse import GOLD, TableState, months
from sources.problem import Problem, RedAudit

if TYPE_CHECKING:
    import duckdb

SEPARATOR = "chr(31)"
# what has no text that every engine writes alike is turned into a number first
EPOCH = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP")


@dataclass(frozen=True)
class GoldTable:
    """One gold table as the dbt project declares it.

    Attributes:
        key: Columns of its primary key (`meta: primary_key` of the model).
        descriptions: Description of each column by name.
        at: Column by whose months it is summed: of a table that leaves the past as it is when new plays come.
    """

    name: str
    description: str
    key: tuple[str, ...]
    descriptions: Mapping[str, str]
    at: str | None = None


def read_tables(manifest: Path) -> tuple[GoldTable, ...]:
    """The gold tables of a dbt manifest, sorted by name.

    Raises:
        Problem: A table declares no key.
    """
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return tuple(sorted((_table(node) for node in nodes if is_gold(node)), key=lambda table: table.name))


def is_gold(node: Mapping[str, Any]) -> bool:
    """Whether a node of a manifest is a gold table."""
    config = node["config"]
    return bool(
        node["resource_type"] == "model"
        and config.get("schema") == GOLD
        and config["materialized"] in ("table", "tail")
    )


def _table(node: Mapping[str, Any]) -> GoldTable:
    meta = node["config"].get("meta", {})
    key = meta.get("primary_key")
    if not key:
        path = node["original_file_path"]
        raise Problem(f"The gold table {node['name']} has no key: add `meta: primary_key` to its config ({path}).")
    columns = {column["name"]: column["description"] for column in node["columns"].values()}
    return GoldTable(node["name"], node["description"], tuple(key), columns, meta.get("at"))


def measure(
    connection: "duckdb.DuckDBPyConnection", catalog: str, tables: Sequence[GoldTable]
) -> dict[str, TableState]:
    """Counts the gold tables of an attached DuckDB file.

    Args:
        connection: A connection that the file is attached to.
        catalog: The name that it is attached as.
        tables: What to count.

    Raises:
        Problem: A table or a column of its key is not there.
    """
    return {table.name: _measure_one(connection, catalog, table) for table in tables}


def _measure_one(connection: "duckdb.DuckDBPyConnection", catalog: str, table: GoldTable) -> TableState:
    columns = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns()"
            " where database_name = ? and schema_name = ? and table_name = ? order by column_index",
            [catalog, GOLD, table.name],
        ).fetchall()
    )
    missing = [name for name in table.key if name not in columns]
    if missing:
        raise Problem(f"The build holds no {GOLD}.{table.name} with {', '.join(missing)}: run `build` again.")
    place = f"{quote(catalog)}.{quote(GOLD)}.{quote(table.name)}"
    month = months.month_of(table.at) if table.at else "null"
    summed = connection.execute(
        f"select {month} as month, count(*), {checksum(table.key, columns)}, sum(hash(whole)::hugeint)"
        f" from {place} as whole group by 1"
    ).fetchall()
    version = connection.execute("select version()").fetchall()[0][0]  # hashes may differ from one to the next
    digests = {str(first or months.UNKNOWN): f"{version}:{digest}" for first, _, _, digest in summed}
    rows, keys, digest = (sum(int(row[place]) for row in summed) for place in (1, 2, 3))
    return TableState(rows, keys, f"{version}:{digest}", columns, digests if table.at else {})


def checksum(key: Sequence[str], columns: Mapping[str, str]) -> str:
    """The key checksum of a table as a DuckDB expression."""
    parts = [f"epoch_us({quote(name)})" if columns[name] in EPOCH else quote(name) for name in key]
    joined = f"concat_ws({SEPARATOR}, {', '.join(parts)})"
    return f"sum(('0x' || md5({joined})[1:15])::ubigint)::decimal(38, 0)"


def compare(wanted: Mapping[str, TableState], found: Mapping[str, TableState], place: str) -> None:
    """Compares what landed with what was sent.

    Raises:
        RedAudit: Rows or keys differ.
    """
    faults = [
        f"{name} has {found[name].rows} rows of {state.rows}"
        if found[name].rows != state.rows
        else f"{name} has other keys"
        for name, state in wanted.items()
        if (found[name].rows, found[name].key_checksum) != (state.rows, state.key_checksum)
    ]
    if faults:
        raise RedAudit(f"What landed in {place} is not what was built: {'; '.join(faults)}. Nothing was published.")


def attach_build(connection: "duckdb.DuckDBPyConnection", build: Path) -> None:
    """Attaches the build database as `build`, for reading.

    Raises:
        Problem: It is not there or somebody writes to it.
    """
    import duckdb

    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {literal(str(build))} as build (read_only)")
    except duckdb.Error as error:
        raise Problem(f"The build {build} cannot be read: {str(error).splitlines()[0]} Run `build` again.") from error
