"""From when on plays are new since the last build, so that models may leave what is older as it is.

Only what grows by polls allows that: files of the API and of the catalog that came, and none that went. Anything else
(an import, rules, a loss) may change any play. What these files then change of older plays, by another name or length
of a track, the model `int_settled` finds out.

Data flow: Snapshot, the list of the last build's files -> the earliest new play -> environment of dbt -> int_settled
"""

import json
from pathlib import Path

from pipelines import lake_reader
from pipelines.lake import Snapshot
from pipelines.settings import Settings
from pipelines.store import Folder

LIST = "build/files.json"
GROWING = ("spotify_api__", "catalog__")
PLAYS = "spotify_api__plays"
NO_NEW_PLAY = "9999-01-01T00:00:00Z"


def fresh_from(settings: Settings, snapshot: Snapshot) -> str:
    """The time of the earliest new play as ISO text; empty where all is to be built."""
    before, now = _read(settings), _names(snapshot)
    changed = {view for view in before.keys() | now.keys() if before.get(view) != now.get(view)}
    if not before or not all(view.startswith(GROWING) for view in changed):
        return ""
    if any(set(before.get(view, ())) - set(now.get(view, ())) for view in changed):
        return ""
    came = set(now.get(PLAYS, ())) - set(before.get(PLAYS, ()))
    return _earliest(settings, [file.path for file in snapshot.files.get(PLAYS, ()) if Path(file.path).name in came])


def remember(settings: Settings, snapshot: Snapshot) -> None:
    """Note what a build was made from; before it is marked as whole."""
    Folder(settings.data_dir).write(LIST, json.dumps(_names(snapshot)).encode())


def _names(snapshot: Snapshot) -> dict[str, list[str]]:
    names = {view: sorted(Path(file.path).name for file in files) for view, files in snapshot.files.items()}
    return names | {"losses": sorted(f"{loss.path} {loss.is_healed}" for loss in snapshot.absent)}


def _read(settings: Settings) -> dict[str, list[str]]:
    try:
        names: dict[str, list[str]] = json.loads((settings.data_dir / LIST).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return names


def _earliest(settings: Settings, paths: list[str]) -> str:
    if not paths:
        return NO_NEW_PLAY
    import duckdb

    with lake_reader.readable(settings.lake), duckdb.connect() as connection:
        lake_reader.open_lake(connection, settings.lake)
        connection.execute("set timezone = 'UTC'")
        found = connection.execute("select min(played_at)::varchar from read_parquet(?)", [paths]).fetchone()
    return str(found[0]) if found and found[0] else NO_NEW_PLAY
