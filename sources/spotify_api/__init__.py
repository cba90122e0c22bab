"""The Spotify Web API as a dlt source: plays, polls and what they are about.

The HTTP comes first and goes to a journal (`flow`); this module turns one batch of the journal into a load package, so
that a poll that brought nothing runs no pipeline, and so that dlt never sees a secret. The source's memory travels in
the package's state. Data flow: journal -> Batch -> resources -> lake.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dlt

from sources.spotify_api.journal import Batch
from sources.spotify_api.memory import Memory
from sources.spotify_api.tables import POLLS, TABLES
from sources.table import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from dlt.extract import DltResource

STATE = "memory"


@dlt.source(name="spotify_api", max_table_nesting=0, schema_contract={"columns": "evolve", "data_type": "freeze"})
def spotify_api(batch: Batch) -> "Iterable[DltResource]":
    """One batch as resources: plays, polls, rejects, tracks, albums, artists, audio_features, accounts.

    Args:
        batch: Rows by table, and the memory that holds once they are in the lake.
    """
    for table in TABLES:
        yield dlt.resource(_rows, name=table.name, write_disposition="append")(table, batch)


def remembered(pipeline: "dlt.Pipeline") -> Memory:
    """The memory in a pipeline's state, an empty one if it has none."""
    stored = pipeline.state.get("sources", {}).get("spotify_api", {}).get(STATE, {})
    return Memory.from_json(stored)


def _rows(table: Table, batch: Batch) -> "Iterator[pa.Table]":
    if table is POLLS:
        dlt.current.source_state()[STATE] = dict(batch.memory)
    rows = batch.rows.get(table.name)
    if rows:
        yield _as_arrow(table, rows)


def _as_arrow(table: Table, rows: list[dict[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    times = {name for name, kind in table.columns.items() if kind == "TIMESTAMPTZ"}
    return pa.Table.from_pylist([_timed(row, times) for row in rows], schema=table.arrow_schema)


def _timed(row: Mapping[str, Any], times: set[str]) -> dict[str, Any]:
    return {k: datetime.fromisoformat(v) if k in times and v is not None else v for k, v in row.items()}
