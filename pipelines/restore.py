"""`run.py rebuild`: everything but credentials from the lake alone, on an empty machine or a spoiled one.

Cursors, the API's memory (budget, silence, last pages) and the listener's own rules come back first, then silver and
gold are made again from bronze, audited and published. No source is asked. What is here already is kept: nothing that
waits to be loaded is lost, and a folder of rules that is not empty is the listener's newest.

Data flow: lake (dlt state, bronze `curation.files`) -> pipelines, journal of polls, curation folder -> build, warehouse
"""

import sys
from collections.abc import Callable

from pipelines import flow
from pipelines.bronze import over_bronze
from pipelines.ended import Run
from pipelines.integrity import examine, sound_snapshot
from pipelines.journal import step
from pipelines.lake import Snapshot, pipeline_for
from pipelines.listener import journal_folder
from pipelines.lock import Lock
from pipelines.settings import SOURCES, Settings

NEWEST_COPY = """
select file, content from bronze.curation__files
where _dlt_load_id in (
    select _dlt_load_id from bronze.curation__rules order by cast(_dlt_load_id as double) desc limit 1
)
order by file
"""
VIEWS = ("curation__files", "curation__rules")


def bring_back(settings: Settings, lock: Lock, current: Run) -> Run:
    """Restore what is missing here, then build, audit and publish; for callers that hold the lock."""
    with step("examine"):
        examine(settings, sound_snapshot(settings, note=True))
    with step("restore"):
        for name, do in STEPS.items():
            sys.stdout.write(f"{name:<12} {do(settings)}\n")
    return flow.bring_up(settings, lock, current, full_refresh=True, forward=True)


def restore_curation(settings: Settings, snapshot: Snapshot) -> bool:
    """Make the folder of rules again if it is missing or empty; whether anything was put back."""
    from sources.curation.load import restore as put_back

    return put_back(_newest_copy(settings, snapshot), settings.curation)


def _newest_copy(settings: Settings, snapshot: Snapshot) -> dict[str, bytes]:
    if not snapshot.paths(VIEWS[0]):
        return {}
    with over_bronze(settings.lake, snapshot, VIEWS) as connection:
        return dict(connection.execute(NEWEST_COPY).fetchall())


def _cursors(settings: Settings) -> str:
    from sources.pending import finish

    known = []
    for source in SOURCES:
        pipeline = pipeline_for(settings, source)
        finish(pipeline)
        if pipeline.state.get("sources"):
            known.append(source)
    return ", ".join(known) or "none in the lake"


def _memory(settings: Settings) -> str:
    from sources.spotify_api.flow import open_journal

    kept = open_journal(journal_folder(settings), lambda: pipeline_for(settings, "spotify_api")).memory
    spent = sum(count for counts in kept.requests.values() for count in counts.values())
    silence = f", silent until {kept.not_before}" if kept.not_before else ""
    return f"{len(kept.seen)} plays known, {spent} requests counted{silence}"


def _curation(settings: Settings) -> str:
    if restore_curation(settings, sound_snapshot(settings)):
        return f"put back into {settings.curation}"
    held = settings.curation.is_dir() and any(settings.curation.iterdir())
    return f"{settings.curation} is there and stays as it is" if held else "none in the lake"


STEPS: dict[str, Callable[[Settings], str]] = {"cursors": _cursors, "api memory": _memory, "curation": _curation}
