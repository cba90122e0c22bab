"""The commands as data: names, help, arguments, and the function that does each (`module:function`).

What a command does is imported only when it is called.

Data flow: COMMANDS -> parser, and the table of README.md, which a test holds to it
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.settings import PROFILES, SOURCES


@dataclass(frozen=True)
class Argument:
    """One argument, as argparse takes it."""

    flags: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One subcommand: its help, its arguments, and the function that does it (`module:function`).

    Attributes:
        replaces: Options with which it destroys or replaces something, so that it asks for `--yes` in prod.
        always_replaces: Whether it does so with any options.
    """

    name: str
    help: str
    function: str
    arguments: tuple[Argument, ...] = ()
    replaces: tuple[str, ...] = ()
    always_replaces: bool = False


def environment(text: str) -> str | Path:
    """A profile or a URL as it is; all else is a file, whose relative path means the folder that one is in."""
    return text if text in PROFILES or "://" in text else Path(text)


def _flag(name: str, text: str) -> Argument:
    return Argument((name,), {"action": "store_true", "help": text})


def _option(name: str, text: str, **options: Any) -> Argument:
    return Argument((name,), {"help": text, **options})


FULL_REFRESH = _flag("--full-refresh", "start over: read sources whole, build silver and gold from bronze again")
FLOW = (
    _option("--every", "keep running, one run per interval (15m, 1h); SIGTERM finishes the run in hand", metavar="15m"),
    FULL_REFRESH,
    _option("--advance", "move the sandbox listener's clock first", metavar="2h"),
)
RANGE = (
    _option("--from", "first day, 2025-01-01", dest="first", metavar="D"),
    _option("--to", "last day, itself in the range", dest="last", metavar="D"),
)
COMMANDS = (
    Command(
        "ingest",
        "sources to bronze",
        "pipelines.commands:ingest",
        (
            Argument(
                ("sources",),
                {"nargs": "*", "metavar": "SOURCE", "help": f"some of {', '.join(SOURCES)}; without one: all"},
            ),
            FULL_REFRESH,
            _option("--backfill", "read a range of dates again", nargs=2, metavar=("FROM", "TO")),
        ),
        replaces=("full_refresh",),
    ),
    Command(
        "build",
        "silver and gold from bronze, audited, not published",
        "pipelines.commands:build",
        (FULL_REFRESH,),
        replaces=("full_refresh",),
    ),
    Command(
        "publish",
        "the audited gold to the warehouse, in one step",
        "pipelines.commands:publish",
        (_flag("--migrate", "allow columns to be dropped or retyped; lists what depends on them"),),
        replaces=("migrate",),
    ),
    Command("compact", "many small files of the lake read as few; bronze stays as it is", "pipelines.compact:command"),
    Command("rollback", "the generation before, in one step", "pipelines.commands:rollback", always_replaces=True),
    Command(
        "import",
        "privacy exports and scrobbles into bronze, then the flow",
        "pipelines.commands:import_history",
        (
            Argument(("paths",), {"nargs": "+", "type": Path, "metavar": "PATH", "help": "zip, folder or file"}),
            _flag("--dry-run", "only say what would be loaded"),
        ),
    ),
    Command(
        "import-catalog",
        "the Kaggle CSV files into the catalog database",
        "pipelines.commands:import_catalog",
        (Argument(("folder",), {"type": Path, "metavar": "DIR", "help": "folder of the CSV files"}),),
    ),
    Command(
        "login",
        "Spotify's consent, once every six months",
        "pipelines.login:login",
        (_option("--port", "port of the redirect address on 127.0.0.1", type=int, default=8888),),
    ),
    Command("roles", "least privilege in Postgres: loader, publisher and metabase", "pipelines.warehouse.roles:roles"),
    Command("doctor", "what is right and what is not", "pipelines.doctor:doctor"),
    Command(
        "sql",
        "one read-only DuckDB statement over bronze, silver, gold and ops",
        "pipelines.query:sql",
        (
            Argument(("query",), {"metavar": "QUERY", "help": "a select"}),
            _option("--format", "form of the answer", choices=("table", "csv", "json"), default="table"),
        ),
    ),
    Command(
        "wrapped",
        "a year or any range of days as one HTML page",
        "pipelines.wrapped:wrapped",
        (
            _option("--year", "a calendar year; without any range: that of the last play", type=int, metavar="Y"),
            *RANGE,
            _option("--output", "file or folder to write to", type=Path, default=Path(), metavar="FILE"),
        ),
    ),
    Command(
        "stats",
        "any range of days, and against any other",
        "pipelines.stats:stats",
        (*RANGE, _option("--versus", "the range to compare with", nargs=2, metavar=("FROM", "TO"))),
    ),
    Command(
        "export",
        "gold as parquet and CSV, plays for ListenBrainz and Last.fm, playlists",
        "pipelines.export:export",
        (Argument(("folder",), {"type": Path, "metavar": "DIR", "help": "folder, made when it is missing"}),),
    ),
    Command(
        "dashboards",
        "Metabase as the files in metabase/ say",
        "pipelines.dashboards:dashboards",
        (
            _flag("--dry-run", "only say what would change"),
            _flag("--force", "overwrite what was changed in Metabase by hand"),
        ),
        replaces=("force",),
    ),
    Command(
        "diff",
        "gold of two environments compared, by row and column",
        "pipelines.diff:diff",
        (
            Argument(
                ("environments",),
                {
                    "nargs": 2,
                    "type": environment,
                    "metavar": "ENV",
                    "help": "a profile, or a warehouse: postgresql://... or a DuckDB file",
                },
            ),
            _flag("--exit-code", "end with 1 where they differ"),
        ),
    ),
    Command(
        "drift",
        "how the sources have changed their shape; accept what was stopped",
        "pipelines.drift:drift",
        (_option("--accept", "go on with a change that stopped its table", nargs="+", metavar="PLACE"),),
    ),
    Command("rebuild", "everything but credentials from the lake alone", "pipelines.commands:rebuild"),
)
