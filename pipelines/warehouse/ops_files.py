"""`ops` of the embedded warehouse: two files of JSON lines beside it.

A DuckDB file that an analyst holds open cannot be written to, and runs must be recorded whatever their end. So rows
are appended to plain files, and `ops.*` are views over them: in the published file as in every connection.

Data flow: RunRecord, Reconciliation -> <warehouse>.ops/*.jsonl -> views `ops.*`
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.duck import literal, quote
from pipelines.warehouse import OPS, Reconciliation, RunRecord
from pipelines.warehouse.ops import TABLES, OpsTable

if TYPE_CHECKING:
    import duckdb


LAST_BYTES = 65_536
"""More than the rows of a dozen runs; so much is read at every quiet run."""


def append(folder: Path, table: OpsTable, rows: Sequence[RunRecord | Reconciliation]) -> None:
    """Adds rows to a table; a line that a killed run left unfinished stays alone."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(_plain(asdict(row)), ensure_ascii=False) + "\n" for row in rows)
    with _file(folder, table).open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read() == b"\n" else "\n" + lines
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    # a checksum of 38 digits is text in JSON, where numbers are doubles for many readers
    return {
        name: value if isinstance(value, bool | int | float | str | None) and name != "key_checksum" else str(value)
        for name, value in row.items()
        if value is not None
    }


def last(folder: Path, table: OpsTable) -> list[dict[str, Any]]:
    """Some of the rows that were added last, as they were written; a line that is not whole is none."""
    try:
        with _file(folder, table).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    return [row for row in map(_row, lines) if row]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and row.get("run_id") else None


def create_views(connection: "duckdb.DuckDBPyConnection", catalog: str, folder: Path) -> None:
    """Makes the views of `ops` in a catalog of a connection."""
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(f"create schema if not exists {quote(catalog)}.{OPS}")
    for table in TABLES:
        _file(folder, table).touch()
        view = f"{quote(catalog)}.{OPS}.{quote(table.name)}"
        connection.execute(f"create or replace view {view} as {_query(_file(folder, table), table)}")


def _query(file: Path, table: OpsTable) -> str:
    columns = ", ".join(f"{quote(name)}: {literal(kind)}" for name, kind in table.columns.items())
    key = ", ".join(quote(name) for name in table.key)
    return (
        f"select * exclude (line) from (select *, row_number() over () as line from read_json({literal(str(file))},"
        f" format = 'newline_delimited', ignore_errors = true, columns = {{{columns}}})) where run_id is not null"
        f" qualify row_number() over (partition by {key} order by line desc) = 1"
    )


def _file(folder: Path, table: OpsTable) -> Path:
    return folder / f"{table.name}.jsonl"
