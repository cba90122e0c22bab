"""What the lake gives back to an empty machine: cursors, the API's memory and the listener's own rules.

No source is asked. What is here already is kept: nothing that waits to be loaded is lost, and a folder of rules that is
not empty is the listener's newest.

Data flow: lake (dlt state, bronze `curation.files`) -> pipelines, journal of polls, curation folder
"""

from collections.abc import Callable

from pipelines.bronze import over_bronze
from pipelines.integrity import sound_snapshot
from pipelines.lake import Snapshot, pipeline_for
from pipelines.listener import journal_folder
from pipelines.moved import note_origin
from pipelines.settings import SOURCES, Settings
from pipelines.store import open_store

NEWEST_COPY = """
select file, content from bronze.curation__files
where _dlt_load_id in (
    select _dlt_load_id from bronze.curation__rules order by cast(_dlt_load_id as double) desc limit 1
)
order by file
"""
VIEWS = ("curation__files", "curation__rules")


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
        note_origin(settings, open_store(settings.lake), source)
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
