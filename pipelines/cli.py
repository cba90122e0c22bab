"""The command line: parses it, runs one command, tells an error in one paragraph, ends with an exit code.

Exit codes: 0 done, 1 a step failed, 2 wrong usage or settings, 3 red audit and nothing published.

Data flow: arguments -> (settings, options) -> the command's function -> exit code
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from pipelines.command_table import COMMANDS, FLOW, Argument, Command
from sources.problem import Problem, UsageProblem, paragraph, problem_of

PATH_SETTINGS = (
    "LAKEHOUSE__DATA_DIR",
    "LAKEHOUSE__CURATION",
    "SOURCES__SPOTIFY_EXPORT__INBOX",
    "DESTINATION__LAKE__BUCKET_URL",
    "DESTINATION__WAREHOUSE__CREDENTIALS",
)
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
    except KeyboardInterrupt:
        return _tell(Problem("Interrupted; what was committed stays, the next run goes on."))
    except Exception as error:
        return _tell(problem_of(error))


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


def _tell(problem: Problem) -> int:
    log.error("%s", problem, exc_info=True, extra={"file_only": True})
    print(paragraph(problem), file=sys.stderr)
    return problem.exit_code


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
