"""The command line: commands as data, one paragraph for an error, the exit code.

Exit codes: 0 done, 1 a step failed, 2 wrong usage or settings, 3 red audit and nothing published.

Data flow: arguments -> (settings, options) -> the command's function -> exit code
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from sources.problem import Problem, UsageProblem

PATH_SETTINGS = (
    "LAKEHOUSE__DATA_DIR",
    "LAKEHOUSE__CURATION",
    "SOURCES__SPOTIFY_EXPORT__INBOX",
    "DESTINATION__LAKE__BUCKET_URL",
    "DESTINATION__WAREHOUSE__CREDENTIALS",
)
FULL_DISK = ("No space left", "disk is full", "not enough space")
GUARDED = "prod"
EPILOG = "Without a command: the whole flow, sources to published gold. Settings: docs/settings.md."
log = logging.getLogger("lakehouse.cli")
logging.getLogger("lakehouse").addHandler(logging.NullHandler())  # nothing to stderr before settings are read


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
SOURCES = ("catalog", "spotify_api", "spotify_export")
COMMANDS = (
    Command(
        "ingest",
        "sources to bronze",
        "pipelines.commands:ingest",
        (
            Argument(("sources",), {"nargs": "*", "metavar": "SOURCE", "help": f"some of {', '.join(SOURCES)}; all"}),
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
                {"nargs": 2, "metavar": "ENV", "help": "a profile, or a warehouse: postgresql://... or a DuckDB file"},
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


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--profile", default=argparse.SUPPRESS, help="dev (embedded), staging, prod or tests")
    shared.add_argument(
        "--yes", action="store_true", default=argparse.SUPPRESS, help="agree to what destroys or replaces, in prod"
    )
    top = argparse.ArgumentParser(prog="run.py", description="A listener's lakehouse.", epilog=EPILOG, parents=[shared])
    _add(top, FLOW)
    top.set_defaults(function="pipelines.commands:flow", doing=Command("the flow", "", "", replaces=("full_refresh",)))
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help, parents=[shared])
        _add(sub, command.arguments)
        sub.set_defaults(function=command.function, doing=command)
    return top


def main(arguments: list[str], invoked_from: Path) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name.
        invoked_from: Folder that relative paths on the command line and in the environment mean.

    Returns:
        The exit code.
    """
    options = parser().parse_args(arguments)
    _make_absolute(options, invoked_from)
    try:
        return _run(options)
    except Problem as problem:
        return _tell(problem, problem.exit_code)
    except KeyboardInterrupt:
        return _tell(Problem("Interrupted; what was committed stays, the next run goes on."), 1)
    except Exception as error:
        return _tell(_explained(error), 1)


def _explained(error: Exception) -> Problem:
    said = str(error).strip().splitlines() or [""]
    if any(sign in str(error) for sign in FULL_DISK):
        return Problem("The disk is full. Free space and run again: what was half written is never read.")
    if isinstance(error, OSError) and error.filename:
        return Problem(f"{error.filename}: {error.strerror}. Mend it, or set LAKEHOUSE__DATA_DIR to another folder.")
    return Problem(f"{type(error).__name__}: {said[0][:300]} The log has the traceback; `doctor` says more.")


def _run(options: argparse.Namespace) -> int:
    os.chdir(Path(__file__).resolve().parent.parent)  # dlt finds .dlt from the current folder only
    from pipelines.journal import configure
    from pipelines.settings import load

    settings = load(getattr(options, "profile", None))
    configure(settings.data_dir)
    if settings.profile == GUARDED and not getattr(options, "yes", False):
        _refuse_to_replace(options)
    module, _, name = options.function.partition(":")
    function: Callable[..., int] = getattr(import_module(module), name)
    return function(settings, options)


def _refuse_to_replace(options: argparse.Namespace) -> None:
    doing: Command = options.doing
    asked = [f"--{name.replace('_', '-')}" for name in doing.replaces if getattr(options, name)]
    if asked or doing.always_replaces:
        what = " ".join([doing.name, *asked])
        raise UsageProblem(
            f"{what} destroys or replaces something in the profile {GUARDED}: say --yes as well if that is meant, or "
            "name another profile with --profile."
        )


def _tell(problem: Problem, exit_code: int) -> int:
    log.error("%s", problem, exc_info=True, extra={"file_only": True})
    print(" ".join(str(problem).split()), file=sys.stderr)
    return exit_code


def _add(to: argparse.ArgumentParser, arguments: tuple[Argument, ...]) -> None:
    for argument in arguments:
        to.add_argument(*argument.flags, **argument.options)


def _make_absolute(options: argparse.Namespace, folder: Path) -> None:
    for name, value in vars(options).items():
        if isinstance(value, Path):
            setattr(options, name, folder / value.expanduser())
        elif isinstance(value, list) and value and isinstance(value[0], Path):
            setattr(options, name, [folder / path.expanduser() for path in value])
    for variable in PATH_SETTINGS:
        value = os.environ.get(variable)
        if value and "://" not in value:
            os.environ[variable] = str(folder / Path(value).expanduser())
