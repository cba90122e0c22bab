"""Silver and gold from one snapshot of the lake, audited.

The build database is a private cache: marked `building` before and with its fingerprint after, deleted and made again
whenever the mark does not say that it is whole.

Data flow: Snapshot -> bronze views -> dbt build (silver, gold, tests) -> build database -> analysts' snapshot file
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from pipelines import bronze, duck, fresh, lake_reader
from pipelines.dbt_run import DBT, build_models, variables
from pipelines.lake import Snapshot
from pipelines.settings import Settings
from pipelines.snapshot_file import snapshot_file, write_snapshot
from pipelines.store import Folder

MARK = "build/mark.json"
ENGINES = ("dbt-core", "dbt-duckdb", "duckdb")
log = logging.getLogger("lakehouse.build")


@dataclass(frozen=True)
class Fingerprint:
    """What a build is a function of.

    Attributes:
        lake: Digest of the snapshot's file list.
        logic: Digest of the dbt project, its variables and the engines' versions.
        views: Digest of the paths that bronze views open: other files may say the same. No part of what is published.
    """

    lake: str
    logic: str
    views: str = ""

    @property
    def digest(self) -> str:
        """One text for both."""
        return hashlib.sha256(f"{self.lake}:{self.logic}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Build:
    """A build database and what it was made from."""

    database: Path
    fingerprint: Fingerprint
    target: Path


def fingerprint(settings: Settings, snapshot: Snapshot) -> Fingerprint:
    """What a build of this snapshot under these settings would be a function of."""
    digest = hashlib.sha256()
    for path in _project_files():
        digest.update(f"{path.relative_to(DBT)}\n".encode() + path.read_bytes())
    digest.update(json.dumps([variables(settings), [version(name) for name in ENGINES]]).encode())
    paths = [path for view in snapshot.files for path in snapshot.paths(view)]
    views = hashlib.sha256("\n".join([settings.lake.bucket_url, *paths]).encode()).hexdigest()
    return Fingerprint(lake=snapshot.digest, logic=digest.hexdigest(), views=views)


def build(settings: Settings, snapshot: Snapshot, full_refresh: bool = False) -> Build:
    """Bring silver and gold up to a snapshot and audit them.

    Args:
        settings: The environment.
        snapshot: The committed files to build from; nothing else is read.
        full_refresh: Make the build database again from bronze.

    Raises:
        RedAudit: A test or a contract failed.
        Problem: A model could not be built.
    """
    wanted = fingerprint(settings, snapshot)
    target = _place(settings, wanted)
    mark = _read_mark(settings)
    if is_at_hand(settings, wanted) and not full_refresh:
        log.info("build: up to date")
        return target
    is_new = full_refresh or mark.get("state") != "green" or mark.get("logic") != wanted.logic
    if is_new:
        target.database.unlink(missing_ok=True)
    _write_mark(settings, {"state": "building"})
    _make_views(settings, snapshot, target.database)
    if is_new or not _is_green(mark, wanted):
        fresh_from = "" if is_new else fresh.fresh_from(settings, snapshot)
        build_models(settings, target.database, target.target, fresh_from)
        _tell_unreadable(target.database)
    fresh.remember(settings, snapshot)
    write_snapshot(settings, target.database)
    _write_mark(settings, _green(wanted))
    return target


def _tell_unreadable(database: Path) -> None:
    import duckdb

    query = "select count(*) from silver.stg_spotify_api__plays where not is_readable"
    with duckdb.connect(str(database)) as connection:
        ((count,),) = connection.execute(query).fetchall()
    if count:
        log.warning("%d plays of the API have a payload that is no JSON: they are told by time and track alone", count)


def is_at_hand(settings: Settings, wanted: Fingerprint) -> bool:
    """Whether this machine holds an audited build of this fingerprint and the analysts' file of it."""
    return _read_mark(settings) == _green(wanted) and duck.is_database(snapshot_file(settings))


def _is_green(mark: dict[str, str], wanted: Fingerprint) -> bool:
    # a lake that moved or was compacted needs other views, not other tables
    return {**mark, "views": ""} == {**_green(wanted), "views": ""}


def _green(wanted: Fingerprint) -> dict[str, str]:
    return {"state": "green", **asdict(wanted)}


def _project_files() -> list[Path]:
    folders = ("models", "macros", "tests", "seeds")
    files = [path for folder in folders for path in (DBT / folder).rglob("*") if path.is_file()]
    return sorted([*files, *DBT.glob("*.yml")])


def _place(settings: Settings, wanted: Fingerprint) -> Build:
    folder = settings.data_dir / "build"
    folder.mkdir(parents=True, exist_ok=True)
    return Build(folder / "lakehouse.duckdb", wanted, folder / "dbt")


def _read_mark(settings: Settings) -> dict[str, str]:
    try:
        mark: dict[str, str] = json.loads((settings.data_dir / MARK).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return mark if duck.is_database(settings.data_dir / "build" / "lakehouse.duckdb") else {}


def _write_mark(settings: Settings, mark: dict[str, str]) -> None:
    Folder(settings.data_dir).write(MARK, json.dumps(mark).encode())


def _make_views(settings: Settings, snapshot: Snapshot, database: Path) -> None:
    import duckdb

    try:
        with duckdb.connect(str(database)) as connection:
            lake_reader.open_lake(connection, settings.lake)
            bronze.create_bronze(connection, snapshot, bronze.declared_tables())
    except duckdb.Error as error:
        raise lake_reader.unreadable(settings.lake, error) from error
