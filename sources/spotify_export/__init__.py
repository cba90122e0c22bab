"""Privacy exports of Spotify, and scrobbles of Last.fm and ListenBrainz, as a dlt source.

Everything under the given paths is hashed, what the lake holds already is left out, and the rest streams into bronze
as arrow tables in one load package. The source's state names every file that it has loaded, so that a run that was
killed between extract and load does not load a file twice. A file that cannot be read to its end any more ends the
load: its rows are in the package already, and a package counts as a whole or not at all.

Data flow: zips, folders, files -> plan -> read -> bronze tables `spotify_export.*`
"""

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import dlt

from sources.problem import Problem
from sources.spotify_export.members import UnreadableError
from sources.spotify_export.plan import Planned
from sources.spotify_export.report import FileReport, where

if TYPE_CHECKING:
    from sources.spotify_export.read import Part
    from sources.spotify_export.readers import Readers

log = logging.getLogger("lakehouse.spotify_export")

ROWS_AT_ONCE = 50_000


# a contract of the resource would keep each batch until garbage is collected, see `sources.catalog.catalog`
@dlt.source(
    name="spotify_export",
    max_table_nesting=0,
    schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
)
def spotify_export(
    planned: Iterable[Planned],
    keep_place: bool = False,
    observe: Callable[[Planned, FileReport], None] = lambda *_: None,
    again: Collection[str] = (),
) -> Any:
    """The rows of planned files.

    Args:
        planned: Files, as `plan.plan` tells them.
        keep_place: Whether country and platform stay as they came.
        observe: Called with each file's report.
        again: `file_id` of files whose rows the lake has lost: loaded, though they were loaded before.
    """
    return _rows(planned, keep_place, observe, again)


@dlt.resource(name="files", write_disposition="append")
def _rows(
    planned: Iterable[Planned],
    keep_place: bool,
    observe: Callable[[Planned, FileReport], None],
    again: Collection[str],
) -> Iterator[Any]:
    from sources.spotify_export.readers import Readers  # brings arrow: a quiet run needs none

    done: dict[str, str] = dlt.current.source_state().setdefault("files", {})
    for file_id in again:
        done.pop(file_id, None)
    planned = list(planned)
    new = [each for each in planned if each.file_id not in done]
    with Readers(new, keep_place=keep_place) as readers:
        for table, rows in gathered(_parts(readers, planned, done, observe)):
            yield dlt.mark.with_table_name(rows, table)


def _parts(
    readers: "Readers", planned: Iterable[Planned], done: dict[str, str], observe: Callable[[Planned, FileReport], None]
) -> Iterator["Part"]:
    for each in planned:
        if each.file_id in done:
            observe(
                each,
                FileReport(each.file.archive, each.file.name, each.file_id, is_known=True, problem=done[each.file_id]),
            )
            continue
        report = yield from _read(readers, each)
        log.info("%s: %d rows, %d of them rejected", report.file, report.counts.rows, report.counts.rejected)
        if not report.is_companion:
            done[each.file_id] = report.problem
        observe(each, report)


def _read(readers: "Readers", each: Planned) -> Generator["Part", None, FileReport]:
    try:
        return (yield from readers.read(each))
    except UnreadableError as error:
        place = where(FileReport(each.file.archive, each.file.name))
        raise Problem(
            f"Loading the history stopped at {place}, which could be read to its end a moment ago and cannot now: "
            f"{error}. Nothing of this load counts; the next one reads all of it again. If it stops there again, check "
            "the disk, or move the file away."
        ) from error


def gathered(parts: Iterable["Part"], size: int = ROWS_AT_ONCE) -> Iterator["Part"]:
    """Joins small tables of the same kind into large ones, so that parquet gets row groups worth reading."""
    import pyarrow as pa

    waiting: dict[str, list[pa.Table]] = {}
    for table, rows in parts:
        held = waiting.setdefault(table, [])
        held.append(rows)
        if sum(each.num_rows for each in held) >= size:
            yield table, pa.concat_tables(waiting.pop(table))
    for table, held in waiting.items():
        yield table, pa.concat_tables(held)
