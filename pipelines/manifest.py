"""What every load package held when it was committed: files, bytes, rows, days, a digest.

A listing tells what is there, not what is missing. So each committed package gets one small file in the lake,
`_manifests/<source>/<load id>.json`, written once. Since it never changes, this machine keeps a copy of all.

Data flow: Snapshot -> parquet footers -> manifests in the lake -> Entry by path
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.committed import File
from pipelines.lake import Snapshot
from pipelines.settings import LakeSettings
from pipelines.store import Folder, Store

FOLDER = "_manifests"
MOMENTS = {
    "spotify_api__plays": "played_at",
    "spotify_api__polls": "polled_at",
    "spotify_api__tracks": "fetched_at",
    "spotify_api__albums": "fetched_at",
    "spotify_api__artists": "fetched_at",
    "spotify_export__streams": "ts",
    "spotify_export__account_streams": "end_time",
    "spotify_export__lastfm_scrobbles": "listened_at",
    "spotify_export__listenbrainz_listens": "listened_at",
    "spotify_export__files": "imported_at",
    "curation__rules": "copied_at",
}
"""The column that says which days a file of a table is about."""
FOOTERS = """
select file_name, sum(rows) as rows, min(first) as first_at, max(last) as last_at
from (
    select
        file_name, row_group_id, any_value(row_group_num_rows) as rows,
        min(stats_min_value) filter (path_in_schema = ?) as first,
        max(stats_max_value) filter (path_in_schema = ?) as last
    from parquet_metadata(?) group by all
)
group by file_name
"""


@dataclass(frozen=True)
class Entry:
    """One file as it was committed.

    Attributes:
        path: Below the lake's root.
        table: View name, such as `spotify_api__plays`.
        sha256: Of its bytes.
        rows: In it; None when it could not be read even then.
        first_at: Time of its first row as text, None where rows have no time.
        last_at: Of its last row.
    """

    path: str
    table: str
    load_id: str
    bytes: int
    sha256: str
    rows: int | None = None
    first_at: str | None = None
    last_at: str | None = None


def read(store: Store, cache: Path) -> dict[str, Entry]:
    """Every entry of every manifest, by path; only manifests that are new to this machine are fetched."""
    names = store.walk(FOLDER)
    kept = _cached(cache)
    fresh = {name: json.loads(store.read(name) or b"[]") for name in names if name not in kept}
    if fresh or len(kept) > len(names):
        kept = {name: found for name, found in (kept | fresh).items() if name in names}
        Folder(cache.parent).write(cache.name, json.dumps(kept).encode())
    return {entry["path"]: Entry(**entry) for entries in kept.values() for entry in entries}


def write_missing(lake: LakeSettings, store: Store, snapshot: Snapshot, known: Mapping[str, Entry]) -> bool:
    """Write the manifest of every committed package that has none; whether there was one to write."""
    noted = {(entry.table.partition("__")[0], entry.load_id) for entry in known.values()}
    packages: dict[tuple[str, str], list[tuple[str, File]]] = {}
    for view, files in snapshot.files.items():
        for file in files:
            package = (view.partition("__")[0], file.load_id)
            if package not in noted:
                packages.setdefault(package, []).append((view, file))
    if packages:
        told = _footers(lake, [pair for pairs in packages.values() for pair in pairs])
        for (source, load_id), pairs in packages.items():
            entries = [asdict(_entry(store, view, file, told)) for view, file in pairs]
            store.write(f"{FOLDER}/{source}/{load_id}.json", json.dumps(entries).encode())
    return bool(packages)


def below(root: str, path: str) -> str:
    """A file's path below the lake's root."""
    return path.removeprefix(f"{root}/")


def _cached(cache: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        found: dict[str, list[dict[str, Any]]] = json.loads(cache.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _entry(store: Store, view: str, file: File, told: Mapping[str, tuple[int, str | None, str | None]]) -> Entry:
    path = below(store.root, file.path)
    digest = hashlib.sha256(store.read(path) or b"").hexdigest()
    rows, first, last = told.get(file.path, (None, None, None))
    return Entry(path, view, file.load_id, file.bytes, digest, rows, first, last)


def _footers(lake: LakeSettings, pairs: Iterable[tuple[str, File]]) -> dict[str, tuple[int, str | None, str | None]]:
    import duckdb

    from pipelines import lake_reader

    by_view: dict[str, list[str]] = {}
    for view, file in pairs:
        by_view.setdefault(view, []).append(file.path)
    told: dict[str, tuple[int, str | None, str | None]] = {}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        lake_reader.open_lake(connection, lake)
        for view, paths in by_view.items():
            try:
                rows = connection.execute(FOOTERS, [MOMENTS.get(view, "")] * 2 + [paths]).fetchall()
            except duckdb.Error:  # one that is spoiled spoils the query; it has no rows then, and is told later
                rows = [row for path in paths for row in _alone(connection, lake, view, path)]
            told |= {path: (int(count), first, last) for path, count, first, last in rows}
    return told


def _alone(
    connection: "object", lake: LakeSettings, view: str, path: str
) -> list[tuple[str, int, str | None, str | None]]:
    import duckdb

    from pipelines import lake_reader

    moment = MOMENTS.get(view, "")
    try:
        return connection.execute(FOOTERS, [moment, moment, [path]]).fetchall()  # type: ignore[attr-defined,no-any-return]
    except duckdb.Error as error:
        if lake_reader.is_unanswered(error):  # a bucket in trouble says nothing of the file, and manifests are for ever
            raise lake_reader.unreadable(lake, error) from error
        return []
