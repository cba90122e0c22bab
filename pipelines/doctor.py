"""`run.py doctor`: says of every setting and every place whether it is right, and what to do where it is not.

A check is a function that returns one line, or raises a Problem that says what to do. Nothing is changed.

Data flow: Settings -> checks -> one line each; exit code 1 when one fails
"""

import argparse
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from pipelines.settings import Settings
from pipelines.snapshot_file import snapshot_file
from pipelines.store import open_store
from sources.problem import Problem

if TYPE_CHECKING:
    import sqlalchemy as sa


def doctor(settings: Settings, _options: argparse.Namespace) -> int:
    """Print one line per check; 1 if one of them is not right."""
    sick = 0
    for name, check in CHECKS.items():
        mark, text = _examine(check, settings)
        sick += mark == "!!"
        sys.stdout.write(f"{mark}  {name:<16} {text}\n")
    sys.stdout.write("everything is right\n" if not sick else f"{sick} to mend: see the lines with !!\n")
    return 1 if sick else 0


def _examine(check: Callable[[Settings], str], settings: Settings) -> tuple[str, str]:
    try:
        return "ok", check(settings)
    except Problem as problem:
        return "!!", str(problem)
    except Exception as error:
        return "!!", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _profile(settings: Settings) -> str:
    played = f"a play counts from {settings.min_play_seconds} s and {settings.min_play_share:.0%} of the track"
    return f"{settings.profile}; time zone {settings.timezone}, weeks start on {settings.week_start}, {played}"


def _data_dir(settings: Settings) -> str:
    _write_into(settings.data_dir, "set LAKEHOUSE__DATA_DIR")
    return f"{settings.data_dir} (LAKEHOUSE__DATA_DIR)"


def _write_into(folder: Path, remedy: str, mode: int = 0o777) -> None:
    probe = folder / f".doctor-{uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        raise Problem(f"{folder} cannot be written ({error.strerror}): {remedy}.") from error


def _catalog(settings: Settings) -> str:
    import sqlalchemy as sa

    from sources.catalog.database import explained, open_database, place

    if settings.catalog.is_default and not settings.catalog.file.exists():
        if not settings.uses_sandbox:
            raise Problem(
                "No catalog, so that runs leave it out: set SOURCES__CATALOG__CREDENTIALS, or fill a SQLite file with "
                "import-catalog."
            )
        return "not made yet: the first run fills a SQLite file from the sandbox"
    engine = open_database(settings.catalog.credentials)
    with explained(engine, "Looking at the catalog"), engine.connect() as connection:
        inspector = sa.inspect(connection)
        missing = [name for name in settings.catalog.tables if not inspector.has_table(name)]
        if missing:
            raise Problem(f"{place(engine)} lacks {', '.join(missing)}: import-catalog makes them.")
        counts = (f"{name} {_count(connection, name):,}" for name in settings.catalog.tables)
        return f"{place(engine)}: {', '.join(counts)} rows"


def _count(connection: "sa.Connection", table: str) -> int:
    import sqlalchemy as sa

    return int(connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one())


def _spotify(settings: Settings) -> str:
    if settings.uses_sandbox:
        return "the sandbox stands in: set SOURCES__SPOTIFY_API__CLIENT_ID for the real one"
    if not settings.spotify_api.client_id:
        raise Problem("No client id: set SOURCES__SPOTIFY_API__CLIENT_ID (docs/connect.md), then run login.")
    from pipelines.listener import connection

    store = connection(settings).store
    grant = store.load(datetime.now(UTC))
    remedy = "runs keep renewed tokens of Spotify there; set XDG_CONFIG_HOME, then run login"
    _write_into(store.path.parent, remedy, mode=0o700)
    return f"{settings.spotify_api.api_url}: {grant.days_left(datetime.now(UTC))} days until a new login is due"


def _budget(settings: Settings) -> str:
    from pipelines.listener import memory

    kept, now = memory(settings), _listener_time(settings)
    if kept is None:
        return f"{settings.spotify_api.daily_budget} requests a day (SOURCES__SPOTIFY_API__DAILY_BUDGET), none yet"
    if not kept.is_open_at(now) and not settings.uses_sandbox:
        raise Problem(f"Spotify asked for silence until {kept.not_before}; runs go on without it until then.")
    spent = kept.spent(now.date().isoformat())
    return f"{spent} of {settings.spotify_api.daily_budget} requests spent today"


def _listener_time(settings: Settings) -> datetime:
    """Now, by whose days requests are counted: the time of the sandbox's listener stands still."""
    folder = settings.data_dir / "sandbox"
    if not settings.uses_sandbox or not (folder / "world.sqlite").exists():
        return datetime.now(UTC)
    from sandbox.world import World

    with closing(World(folder)) as world:
        return world.now


def _inbox(settings: Settings) -> str:
    inbox = settings.spotify_export.inbox
    files = [path for path in inbox.rglob("*") if path.is_file()] if inbox.is_dir() else []
    return f"{inbox}: {len(files)} files (SOURCES__SPOTIFY_EXPORT__INBOX)"


def _lake(settings: Settings) -> str:
    store, name = open_store(settings.lake), f"_doctor/{uuid4().hex}"
    try:
        store.write(name, b"x")
        found = store.read(name)
        store.delete(name)
    except OSError as error:
        raise Problem(
            f"{settings.lake.bucket_url} cannot be used ({error.strerror}): check DESTINATION__LAKE__BUCKET_URL."
        ) from error
    if found != b"x":
        raise Problem(f"{settings.lake.bucket_url} does not give back what was written.")
    return f"{settings.lake.bucket_url}: can be listed, written and read"


def _files(settings: Settings) -> str:
    from pipelines.integrity import sound_snapshot, told

    snapshot = sound_snapshot(settings)
    lost = snapshot.open_losses
    if lost:
        raise Problem(f"{told(lost[0])} ({len(lost)} files in all; `select * from bronze.lake__losses` has them.)")
    healed = f", {len(snapshot.losses)} lost ones came again" if snapshot.losses else ""
    return f"{sum(map(len, snapshot.files.values()))} files, all as they were written{healed}"


def _drift(settings: Settings) -> str:
    from pipelines.ledger import read

    stopped = sorted(read(open_store(settings.lake)).places("stopped"))
    if stopped:
        raise Problem(f"{', '.join(stopped)} changed, and stops its table: see `python pipelines/run.py drift`.")
    return "no source has changed so that its table had to stop"


def _warehouse(settings: Settings) -> str:
    from pipelines.warehouse import open_warehouse

    return open_warehouse(settings).check()


def _snapshot(settings: Settings) -> str:
    file = snapshot_file(settings)
    if not file.exists():
        return "nothing built yet: python pipelines/run.py"
    made = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return f"{file}, made {made:%Y-%m-%d %H:%M} UTC"


def _alerts(settings: Settings) -> str:
    if settings.alert_command:
        return f"{_program(settings.alert_command)} is run (LAKEHOUSE__ALERT_COMMAND)"
    if settings.alert_url:  # the rest of a webhook's address is a secret
        return f"{urlsplit(settings.alert_url).hostname} is posted to (LAKEHOUSE__ALERT_URL)"
    return "nobody is told of a run that fails: LAKEHOUSE__ALERT_COMMAND or LAKEHOUSE__ALERT_URL"


def _program(command: str) -> str:
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError) as error:
        raise Problem(f"LAKEHOUSE__ALERT_COMMAND is no command line: {error}.") from error
    if not shutil.which(program):
        raise Problem(f"LAKEHOUSE__ALERT_COMMAND cannot be run: there is no program {program}.")
    return program


def _curation(settings: Settings) -> str:
    from sources.curation.rules import read_rules

    if not settings.curation.is_dir() and settings.curation != settings.data_dir / "curation":
        raise Problem(
            f"{settings.curation} is no folder: make it, or correct LAKEHOUSE__CURATION; the next run brings back "
            "what rules the lake knows."
        )
    rules = read_rules(settings.curation)
    faulty = [rule for rule in rules if not rule.is_valid]
    if faulty:
        first = faulty[0]
        raise Problem(f"{settings.curation / first.file} line {first.line}: {first.problem} ({len(faulty)} in all).")
    return f"{settings.curation}: {len(rules)} rules (LAKEHOUSE__CURATION)"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "profile": _profile,
    "data folder": _data_dir,
    "catalog": _catalog,
    "spotify": _spotify,
    "api budget": _budget,
    "inbox": _inbox,
    "curation": _curation,
    "alerts": _alerts,
    "lake": _lake,
    "lake's files": _files,
    "drift": _drift,
    "warehouse": _warehouse,
    "last build": _snapshot,
}
