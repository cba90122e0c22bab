"""The command line: parses it, runs one command, tells an error in one paragraph, ends with an exit code.

Exit codes: 0 done, 1 a step failed, 2 wrong usage or settings, 3 red audit and nothing published.

Data flow: arguments -> (settings, options) -> the command's function -> exit code
"""

import argparse
import logging
import os
import re
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.command_table import COMMANDS, FLOW, Command
from pipelines.settings import ROOT, Settings, load
from sources.problem import Problem, UsageProblem, paragraph, problem_of

PATH_SETTINGS = (
    "LAKEHOUSE__DATA_DIR",
    "LAKEHOUSE__CURATION",
    "SOURCES__SPOTIFY_EXPORT__INBOX",
    "DESTINATION__LAKE__BUCKET_URL",
    "DESTINATION__WAREHOUSE__CREDENTIALS",
)
SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)([^?]+)")
BEFORE = "before_"
"""Prefix of what is said before a command, or without one; a command's own default must not wipe it out."""
STDOUT = 1
UNREAD = 128 + signal.SIGPIPE
"""Exit code where the reader of stdout has gone (`| head`), as a shell tells it of any program."""
GUARDED = "prod"
EPILOG = "Without a command: the whole flow, sources to published gold. Settings: docs/settings.md."
log = logging.getLogger("lakehouse.cli")
logging.getLogger("lakehouse").addHandler(logging.NullHandler())  # nothing to stderr before settings are read


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--profile", default=argparse.SUPPRESS, help="dev (embedded), staging, prod or tests")
    shared.add_argument(
        "--yes", action="store_true", default=argparse.SUPPRESS, help="agree to what destroys or replaces, in prod"
    )
    top = argparse.ArgumentParser(prog="run.py", description="A listener's lakehouse.", epilog=EPILOG, parents=[shared])
    for argument in FLOW:
        (name,) = argument.flags
        top.add_argument(name, **argument.options, dest=BEFORE + name.strip("-").replace("-", "_"))
    top.set_defaults(function="pipelines.commands:flow", doing=Command("the flow", "", "", replaces=("full_refresh",)))
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help, parents=[shared])
        for argument in command.arguments:
            sub.add_argument(*argument.flags, **argument.options)
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
    return _guarded(lambda: _run(options), invoked_from)


def alone(work: Callable[[Settings, list[str]], int]) -> int:
    """Run a module that is started by itself (`make sql`) as a command is run; `--profile` counts here, too.

    Args:
        work: Takes the settings and the other arguments, returns the exit code.
    """
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--profile")
    given, others = options.parse_known_args()
    return _guarded(lambda: work(_settings(given.profile), others), Path.cwd())


def _guarded(work: Callable[[], int], invoked_from: Path) -> int:
    """Do it in the checkout; an error is one paragraph and an exit code."""
    try:
        _make_environment_absolute(invoked_from)
        os.chdir(ROOT)  # dlt finds .dlt from the current folder only
        code = work()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _tell(Problem("Interrupted; what was committed stays, the next run goes on."))
    except BrokenPipeError as error:
        return _fall_silent() if _is_unread() else _tell(problem_of(error))
    except Exception as error:
        return _tell(problem_of(error))
    return code


def _settings(profile: str | None) -> Settings:
    from pipelines.journal import configure

    settings = load(profile)
    configure(settings.data_dir)
    return settings


def _run(options: argparse.Namespace) -> int:
    _take_over_what_was_said_before(options)
    settings = _settings(getattr(options, "profile", None))
    if settings.profile == GUARDED and not getattr(options, "yes", False):
        _refuse_to_replace(options)
    module, _, name = options.function.partition(":")
    function: Callable[..., int] = getattr(import_module(module), name)
    return function(settings, options)


def _take_over_what_was_said_before(options: argparse.Namespace) -> None:
    """Honours the flow's options beside a command that has them, too.

    Raises:
        UsageProblem: They belong elsewhere; nothing that was asked for is dropped in silence.
    """
    names = [name.removeprefix(BEFORE) for name in vars(options) if name.startswith(BEFORE)]
    said = {name: value for name in names if (value := getattr(options, BEFORE + name))}
    if not options.command:
        vars(options).update({name: said.get(name) for name in names})
    for name, value in said.items():
        if not hasattr(options, name):
            raise UsageProblem(
                f"{_option(name)} belongs to the whole flow, which is run without a command: leave out "
                f"{options.command}, or {_option(name)}."
            )
        setattr(options, name, value)
    beside = [_option(name) for name in said if name != "every"]
    if "every" in said and beside:
        raise UsageProblem(
            f"{' and '.join(beside)} would count for each run of --every: say it in a run of its own first, then "
            f"--every {said['every']} alone."
        )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse_to_replace(options: argparse.Namespace) -> None:
    doing: Command = options.doing
    asked = [_option(name) for name in doing.replaces if getattr(options, name)]
    if asked or doing.always_replaces:
        what = " ".join([doing.name, *asked])
        raise UsageProblem(
            f"{what} destroys or replaces something in the profile {GUARDED}: say --yes as well if that is meant, or "
            "name another profile with --profile."
        )


def _tell(problem: Problem) -> int:
    log.error("%s", problem, exc_info=True, extra={"file_only": True})
    with suppress(BrokenPipeError):  # `2>&1 | head`
        print(paragraph(problem), file=sys.stderr)
    return problem.exit_code


def _is_unread() -> bool:
    """Whether stdout is a pipe that nobody reads any more: a server may break a pipe, too."""
    asked = select.poll()
    asked.register(STDOUT, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))


def _fall_silent() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)  # Python flushes once more when it ends
    return UNREAD


def _make_absolute(options: argparse.Namespace, folder: Path) -> None:
    for name, value in vars(options).items():
        if isinstance(value, list):
            setattr(options, name, [_below(folder, each) for each in value])
        else:
            setattr(options, name, _below(folder, value))


def _below(folder: Path, value: Any) -> Any:
    return folder / value.expanduser() if isinstance(value, Path) else value


def _make_environment_absolute(folder: Path) -> None:
    catalog = os.environ.get("SOURCES__CATALOG__CREDENTIALS", "")
    if match := SQLITE_FILE.match(catalog):
        os.environ["SOURCES__CATALOG__CREDENTIALS"] = f"{match[1]}{folder / match[2]}{catalog[match.end() :]}"
    for variable in PATH_SETTINGS:
        value = os.environ.get(variable)
        if value and "://" not in value:
            os.environ[variable] = str(folder / Path(value).expanduser())
