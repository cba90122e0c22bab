"""Commands in processes that have imported all they need: of many a command the start is most of its time.

A server process imports once and forks a process for every command, in which the command line runs as at a terminal,
with its own environment, folder, streams and exit code. So nothing that one sets stays behind. What has to be a process
from its first moment on is started as one: what is killed, measured, or shown in the README.

Data flow: arguments, variables -> forked process -> command line -> exit code, stdout, stderr
"""

import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dlt.common.runtime.run_context import switch_context

from pipelines.dbt_run import close_build

ROOT = Path(__file__).parents[1]
SECONDS = 600
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        *("tests.forked", "pipelines.commands", "pipelines.flow", "pipelines.query", "pipelines.warehouse.postgres"),
        *("sources.catalog", "sources.spotify_api", "sources.spotify_export", "sandbox.spotify"),
        *("dbt.cli.main", "dbt.adapters.duckdb.connections", "duckdb", "pyarrow.parquet", "dlt.destinations"),
    ]
)

Main = Callable[[Sequence[str], Path], int]


def run(arguments: Sequence[str], variables: Mapping[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python pipelines/run.py` with arguments."""
    return _forked(_run, arguments, variables, cwd)


def dbt(arguments: Sequence[str], variables: Mapping[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`dbt` with arguments."""
    return _forked(_dbt, arguments, variables, cwd)


def python(code: str, variables: Mapping[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python -c` with some code."""
    return _forked(_execute, [code], variables, cwd)


def _forked(
    main: Main, arguments: Sequence[str], variables: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        out, said = Path(folder, "stdout"), Path(folder, "stderr")
        process = FORKED.Process(target=_begin, args=(main, list(arguments), dict(variables), cwd, out, said))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(arguments), SECONDS)
        code, told = process.exitcode, [path.read_text(encoding="utf-8") for path in (out, said)]
        process.close()
    return subprocess.CompletedProcess(list(arguments), code, *told)


def _begin(
    main: Main, arguments: Sequence[str], variables: Mapping[str, str], cwd: Path, out: Path, said: Path
) -> None:
    for path, stream in ((out, 1), (said, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream)
    logging.getLogger().handlers.clear()  # of a library that was imported before it was needed
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.chdir(cwd)
    switch_context(str(ROOT))  # dlt reads the profile once in a process
    sys.exit(main(arguments, cwd))


def _run(arguments: Sequence[str], cwd: Path) -> int:
    from pipelines.cli import main

    sys.argv = ["run.py", *arguments]
    return main(list(arguments), cwd)


def _execute(arguments: Sequence[str], _cwd: Path) -> int:
    exec(arguments[0], {"__name__": "__main__"})  # noqa: S102
    return 0


def _dbt(arguments: Sequence[str], _cwd: Path) -> int:
    from dbt.cli.main import dbtRunner

    try:
        return 0 if dbtRunner().invoke(list(arguments)).success else 1
    finally:
        close_build()  # a forked process ends without its objects' ends
