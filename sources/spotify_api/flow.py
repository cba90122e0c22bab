"""One poll from end to end: ask, write down, load if there is something to load.

The HTTP comes first and every answer is in the journal before the next question, so a poll can die anywhere. The
pipeline is made only when something has to go to the lake (or when this machine knows nothing yet and restores its
memory from there). Data flow: token file, journal -> Client -> journal -> Batch -> pipeline -> lake.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sources.pending import explained, finish
from sources.problem import Problem
from sources.spotify_api import remembered, spotify_api
from sources.spotify_api.journal import Batch, Journal
from sources.spotify_api.session import Connection, Plan, PollResult, Session
from sources.spotify_api.transport import HttpOptions

if TYPE_CHECKING:
    import dlt

__all__ = ["Connection", "Plan", "PollResult", "load", "open_journal", "poll"]


def poll(
    pipeline: "Callable[[], dlt.Pipeline]",
    folder: Path,
    connection: Connection,
    plan: Plan | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    http: HttpOptions | None = None,
) -> PollResult:
    """Poll once, enrich within the budget, and load what is due.

    Args:
        pipeline: Makes the dlt pipeline `spotify_api` on the lake; called only when it is needed.
        folder: Folder of this lake's journal.
        connection: The API and the listener's consent.
        plan: Budget and wishes.
        now: The clock, UTC.
        http: Bounds of time and repetition.

    Returns:
        How it ended; what the API refuses is a status, not an exception.

    Raises:
        Problem: The load failed; everything the API offered is in the journal then, and in the next package.
    """
    journal = open_journal(folder, pipeline)
    session = Session(journal, connection, plan or Plan(), now, http or HttpOptions())
    session.run()
    loaded = journal.is_due(now())
    if loaded:
        load(pipeline(), journal)
    return session.result(loaded)


def open_journal(folder: Path, pipeline: "Callable[[], dlt.Pipeline]") -> Journal:
    """The journal of a folder; one that is new here takes its memory from the lake."""
    journal = Journal(folder / "spotify_api.jsonl")
    if journal.is_new:
        lake = pipeline()
        with explained("the plays"):
            finish(lake)
        journal.start_over(remembered(lake))
    return journal


def load(pipeline: "dlt.Pipeline", journal: Journal) -> None:
    """Bring everything pending into the lake, once: a package that was interrupted first, the rest as a new one.

    Raises:
        Problem: The load failed, or the lake is another listener's.
    """
    with explained("the plays"):
        finish(pipeline)
        _compare_listeners(pipeline, journal)
        journal.settle(remembered(pipeline))
        if journal.is_pending:  # else the interrupted package held everything
            _write(pipeline, journal.prepare())
            journal.settle(remembered(pipeline))


def _compare_listeners(pipeline: "dlt.Pipeline", journal: Journal) -> None:
    known, found = journal.memory.account.get("id"), remembered(pipeline).account.get("id")
    if known and found and known != found:
        pipeline.drop()  # what it knows of this lake would hide the state of the right one
        raise Problem(
            "The lake holds the plays of another listener than this machine; none was loaded, and what was polled waits"
            " here: correct DESTINATION__LAKE__BUCKET_URL, or LAKEHOUSE__DATA_DIR."
        )


def _write(pipeline: "dlt.Pipeline", batch: Batch) -> None:
    pipeline.run(spotify_api(batch)).raise_on_failed_jobs()
