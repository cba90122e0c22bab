"""One file to bronze rows.

A file is hashed first (its id, and proof that it can be read to its end) and then read once, in blocks. Every element
of it becomes a row of its feed's table or a numbered row of `rejects`, so the two always add up to
`files.row_count`; a file that is no history has no rows, and one reject without a number that says why. A file whose
bytes cannot be read now, though they were hashed a moment ago, is an error: half of it must not count as all of it.

Data flow: Member -> (table, arrow table) pairs, and a FileReport at the end.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from sources.spotify_export import elements, layout, lines
from sources.spotify_export.columns import Columns, Reject, columns
from sources.spotify_export.feeds import EXTENDED, Feed
from sources.spotify_export.members import Archives, Member, Refusal
from sources.spotify_export.report import Counts, FileReport
from sources.spotify_export.scrobbles import pages
from sources.spotify_export.tables import FILES, REJECTS
from sources.spotify_export.text import utf8
from sources.spotify_export.walker import NOT_UTF8

Part = tuple[str, pa.Table]
"""Name of a bronze table, and rows of it."""


@dataclass
class _Tally:
    """What was read of a file so far."""

    counts: Counts = field(default_factory=Counts)
    reasons: dict[str, int] = field(default_factory=dict)

    def note(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            self.reasons[reject.reason] = self.reasons.get(reject.reason, 0) + 1

    @property
    def told(self) -> str:
        """Why rows were rejected, the commonest reasons first."""
        ordered = sorted(self.reasons.items(), key=lambda item: -item[1])
        hint = ": is it Latin-1? Save it as UTF-8 and import it again" if NOT_UTF8 in self.reasons else ""
        return ", ".join(f"{count:,} x {reason}" for reason, count in ordered[:5]) + hint


def read(archives: Archives, member: Member, file_id: str, *, keep_place: bool) -> Generator[Part, None, FileReport]:
    """Reads one file.

    Args:
        archives: Opens zips.
        member: The file.
        file_id: The sha256 of its content.
        keep_place: Whether country and platform stay as they came.

    Yields:
        Bronze tables with their rows, in the file's order, its `files` row last.

    Returns:
        The report on the file.

    Raises:
        UnreadableError: It cannot be read to its end any more; what it yielded must not be kept.
    """
    blocks = utf8(archives.blocks(member))
    first = next(blocks, b"")
    told = layout.tell(first[: layout.HEAD], member.name)
    if isinstance(told, str) and layout.is_companion(member.name):
        return FileReport(member.archive, member.name, file_id, is_companion=True)
    if isinstance(told, str):
        return (yield from refuse(member, file_id, told))
    tally = _Tally()
    yield from _rows(chain((first,), blocks), told, file_id, tally, keep_place=keep_place)
    yield FILES.name, _file(member, file_id, told.feed.name, told.kind, tally.counts.rows)
    return FileReport(member.archive, member.name, file_id, told.feed.name, tally.counts, note=tally.told)


def refuse(member: Member | Refusal, file_id: str, reason: str) -> Generator[Part, None, FileReport]:
    """A whole file as one reject without a row number: nobody knows its rows, so it has none."""
    yield REJECTS.name, _rejects(file_id, [(None, Reject(0, reason, ""))])
    yield FILES.name, _file(member, file_id, "unknown", "unknown", 0)
    return FileReport(member.archive, member.name, file_id, problem=reason)


def _rows(
    blocks: Iterator[bytes], told: layout.Layout, file_id: str, tally: _Tally, *, keep_place: bool
) -> Iterator[Part]:
    number = 1
    for chunk in _chunks(blocks, told):
        if not chunk:
            continue
        done = columns(chunk, told.feed, keep_place=keep_place)
        tally.counts += _count(done, told)
        if done.values.num_rows:
            yield told.feed.table.name, _with_numbers(done, told.feed, file_id, number)
        if done.rejects:
            tally.note(done.rejects)
            yield REJECTS.name, _rejects(file_id, [(number + reject.at, reject) for reject in done.rejects])
        number += len(chunk)


def _chunks(blocks: Iterator[bytes], told: layout.Layout) -> Iterator[list[object]]:
    if told.csv:
        return lines.rows(blocks, told.csv)
    chunks = elements.array(blocks, told.start) if told.shape == "array" else elements.lines(blocks)
    return map(pages, chunks) if told.feed.name == "lastfm" else chunks


def _count(done: Columns, told: layout.Layout) -> Counts:
    rows, rejected = done.values.num_rows, len(done.rejects)
    if told.feed is EXTENDED:
        return _count_streams(done.values, rejected, is_video=told.kind == "video")
    column = {"podcast": "podcasts", "audiobook": "audiobooks"}.get(told.kind, "music")
    return Counts(rows=rows + rejected, rejected=rejected, **{column: rows})


def _count_streams(values: pa.Table, rejected: int, *, is_video: bool) -> Counts:
    rows = values.num_rows
    if is_video:
        return Counts(rows=rows + rejected, video=rows, rejected=rejected)
    episode = _any(values, "episode_name", "spotify_episode_uri")
    book = pc.and_not(_any(values, "audiobook_title", "audiobook_uri", "audiobook_chapter_uri"), episode)
    incognito = pc.fill_null(values["incognito_mode"], False)
    private = pc.and_not(pc.and_not(incognito, episode), book)
    podcasts, books, hidden = (pc.sum(flags).as_py() or 0 for flags in (episode, book, private))
    music = rows - podcasts - books - hidden
    return Counts(rows + rejected, music, podcasts, books, incognito=hidden, rejected=rejected)


def _any(values: pa.Table, first: str, *others: str) -> pa.ChunkedArray:
    found = pc.is_valid(values[first])
    for name in others:
        found = pc.or_(found, pc.is_valid(values[name]))
    return found


def _with_numbers(done: Columns, feed: Feed, file_id: str, number: int) -> pa.Table:
    ids = pa.repeat(pa.scalar(file_id), done.values.num_rows)
    numbers = pa.array((number + at for at in done.positions), pa.int64())
    return pa.Table.from_arrays([ids, numbers, *done.values.columns], schema=feed.table.arrow_schema)


def _rejects(file_id: str, rejects: list[tuple[int | None, Reject]]) -> pa.Table:
    rows = [(file_id, number, reject.reason, reject.raw) for number, reject in rejects]
    return pa.Table.from_arrays(
        [
            pa.array(values, column.type)
            for values, column in zip(zip(*rows, strict=True), REJECTS.arrow_schema, strict=True)
        ],
        schema=REJECTS.arrow_schema,
    )


def _file(member: Member | Refusal, file_id: str, feed: str, kind: str, rows: int) -> pa.Table:
    size = member.size if isinstance(member, Member) else member.weight
    row = (file_id, member.archive, member.name, feed, kind, size, rows, datetime.now(UTC))
    return pa.Table.from_pylist([dict(zip(FILES.columns, row, strict=True))], schema=FILES.arrow_schema)
