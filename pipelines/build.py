"""Silver and gold from one snapshot of the lake, audited.

The build database is a private cache: marked `building` before and with its fingerprint after, deleted and made again
whenever the mark does not say that it is whole. dbt is imported only here, since importing it takes seconds.

Data flow: Snapshot -> bronze views -> dbt build (silver, gold, tests) -> build database -> analysts' snapshot file
"""

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import duck
from pipelines.lake import Snapshot
from pipelines.settings import ROOT, Settings
from pipelines.store import Folder
from sources.problem import Problem, RedAudit

if TYPE_CHECKING:
    import duckdb

DBT = ROOT / "dbt"
MARK = "build/mark.json"
ENGINES = ("dbt-core", "dbt-duckdb", "duckdb")
SILENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "DBT_USE_COLORS": "False", "DO_NOT_TRACK": "1"}
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


def variables(settings: Settings) -> dict[str, Any]:
    """The dbt variables: what the listener decides."""
    names = ("timezone", "week_start", "min_play_seconds", "min_play_share", "session_gap_minutes")
    return {name: getattr(settings, name) for name in names}


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
    if full_refresh or mark.get("state") != "green" or mark.get("logic") != wanted.logic:
        target.database.unlink(missing_ok=True)
    _write_mark(settings, {"state": "building"})
    _make_views(settings, snapshot, target.database)
    if full_refresh or not _is_green(mark, wanted):
        _run_dbt(settings, target)
    _export_snapshot(settings, target)
    _write_mark(settings, _green(wanted))
    return target


def is_at_hand(settings: Settings, wanted: Fingerprint) -> bool:
    """Whether this machine holds an audited build of this fingerprint and the analysts' file of it."""
    return _read_mark(settings) == _green(wanted) and snapshot_file(settings).exists()


def _is_green(mark: dict[str, str], wanted: Fingerprint) -> bool:
    # a lake that moved or was compacted needs other views, not other tables
    return {**mark, "views": ""} == {**_green(wanted), "views": ""}


def _green(wanted: Fingerprint) -> dict[str, str]:
    return {"state": "green", **asdict(wanted)}


def _export_snapshot(settings: Settings, target: Build) -> None:
    """Write the file that analysts open: bronze and silver of this build, made whole and renamed into place."""
    import duckdb

    final = snapshot_file(settings)
    beside = final.parent / "next" / final.name  # the same name, so that view texts stay valid
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    with duckdb.connect(str(beside)) as connection:
        duck.open_lake(connection, settings.lake)
        connection.execute(f"attach {duck.literal(str(target.database))} as built (read_only)")
        _copy_tables(connection)
        _copy_views(connection)
        connection.execute("detach built")
    beside.replace(final)


def snapshot_file(settings: Settings) -> Path:
    """The analysts' file: `bronze` and `silver` of the last build."""
    return settings.data_dir / "snapshot" / "lakehouse.duckdb"


def _copy_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'silver'"
    ).fetchall()
    connection.execute("create schema bronze")
    connection.execute("create schema silver")
    for (name,) in tables:
        connection.execute(f"create table silver.{duck.quote(name)} as from built.silver.{duck.quote(name)}")


def _copy_views(connection: "duckdb.DuckDBPyConnection") -> None:
    pending = connection.execute(
        "select sql from duckdb_views() where database_name = 'built' and schema_name in ('bronze', 'silver')"
    ).fetchall()
    while pending:  # a view needs the views below it; the catalog does not keep their order
        left = [row for row in pending if not _created(connection, row[0])]
        if len(left) == len(pending):
            connection.execute(left[0][0])
        pending = left


def _created(connection: "duckdb.DuckDBPyConnection", statement: str) -> bool:
    import duckdb

    try:
        connection.execute(statement)
    except duckdb.CatalogException:
        return False
    return True


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
    return mark if (settings.data_dir / "build" / "lakehouse.duckdb").exists() else {}


def _write_mark(settings: Settings, mark: dict[str, str]) -> None:
    Folder(settings.data_dir).write(MARK, json.dumps(mark).encode())


def _make_views(settings: Settings, snapshot: Snapshot, database: Path) -> None:
    import duckdb

    try:
        with duckdb.connect(str(database)) as connection:
            duck.open_lake(connection, settings.lake)
            duck.create_bronze(connection, snapshot, duck.declared_tables())
    except duckdb.Error as error:
        place = settings.lake.bucket_url
        raise Problem(f"The lake {place} cannot be read: {str(error).splitlines()[0]} Run doctor.") from error


def _run_dbt(settings: Settings, target: Build) -> None:
    os.environ.update(SILENT, LAKEHOUSE_BUILD_FILE=str(target.database))
    result = invoke_dbt(
        settings, "build", "--target", "lake", "--exclude-resource-type", "unit_test", target=target.target
    )
    faults = [run for run in getattr(result.result, "results", []) if run.status in ("error", "fail", "runtime error")]
    if not faults and not result.success:
        raise Problem(f"dbt stopped: {result.exception or 'see the log'}. The log is in {settings.data_dir / 'logs'}.")
    if faults:
        raise _red(faults) if any(_is_audit(run) for run in faults) else _broken(faults)


def invoke_dbt(settings: Settings, command: str, *arguments: str, target: Path) -> Any:
    """Run one dbt command in this process, silent on the terminal, its log in the logs folder."""
    from dbt.cli.main import dbtRunner

    try:
        return dbtRunner().invoke(
            [
                command,
                *("--project-dir", str(DBT), "--profiles-dir", str(DBT), "--target-path", str(target)),
                *("--log-path", str(settings.data_dir / "logs"), "--log-level", "none", "--log-level-file", "info"),
                *("--vars", json.dumps(variables(settings))),
                *arguments,
            ]
        )
    finally:
        # dbt would hold the build file as long as the process lives
        close_build()


def close_build() -> None:
    """Close dbt's connection to the build file, which dbt would hold as long as the process lives."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment: Any = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _is_audit(run: Any) -> bool:
    return run.status == "fail" or "contract" in str(run.message).lower() or "constraint" in str(run.message).lower()


def _red(faults: list[Any]) -> RedAudit:
    return RedAudit(f"The audit is red and nothing was published: {_names(faults)}. Dashboards stay as they were.")


def _broken(faults: list[Any]) -> Problem:
    return Problem(f"The build failed and nothing was published: {_names(faults)}.")


def _names(faults: list[Any]) -> str:
    texts = [f"{run.node.name} ({' '.join(str(run.message or run.status).split())[:160]})" for run in faults]
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more
