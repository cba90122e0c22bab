"""What the lake already holds, read through a dlt pipeline's own file system.

Only committed load packages are read: those with an entry in `_dlt_loads`, or whose state file is there.

Data flow: dlt pipeline -> files of committed packages -> arrow tables
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sources.catalog.ledger import Bronze
from sources.table import LOAD_ID

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa

_LOAD = re.compile(r"__(\d+\.\d+)(__[0-9a-f]+)?\.jsonl$")
_FILE = re.compile(r"(\d+\.\d+)\.[^./]+\.parquet$")


def committed_pages(pipeline: "dlt.Pipeline") -> Bronze:
    """A reader of the pipeline's committed bronze rows."""

    def read(table: str, columns: tuple[str, ...]) -> Iterable["pa.Table"]:
        return _pages(pipeline, table, columns)

    return read


def _pages(pipeline: "dlt.Pipeline", table: str, columns: tuple[str, ...]) -> Iterator["pa.Table"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pipeline.destination_client() as client:
        files: Any = client.fs_client  # type: ignore[attr-defined]
        committed = {
            match[1]
            for name in ("_dlt_loads", "_dlt_pipeline_state")
            for path in _list(files, client.get_table_dir(name))  # type: ignore[attr-defined]
            if (match := _LOAD.search(path))
        }
        for path in _list(files, client.get_table_dir(table)):  # type: ignore[attr-defined]
            load = _FILE.search(path)
            if load is None or load[1] not in committed:
                continue
            with files.open(path, "rb") as stream, pq.ParquetFile(stream) as parquet:
                there = set(parquet.schema_arrow.names)
                for batch in parquet.iter_batches(columns=[name for name in columns if name in there]):
                    page = pa.Table.from_batches([batch])
                    for name in columns:
                        if name not in there:
                            page = page.append_column(name, pa.nulls(page.num_rows, pa.string()))
                    page = page.select(list(columns))
                    yield page.append_column(LOAD_ID, pa.array([load[1]] * page.num_rows, pa.string()))


def _list(files: Any, folder: str) -> list[str]:
    try:
        return sorted(files.find(folder))
    except FileNotFoundError:
        return []
