"""What `run.py sql` answers, by a process that has imported all it needs: the start is most of a question's second.

A server process imports once and forks a process for every question, in which the command itself runs, as at a
terminal. So nothing that a question sets stays behind.

Data flow: variables, query -> forked process -> `pipelines.cli.main` -> exit code, stdout, stderr
"""

import io
import multiprocessing
import os
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

from dlt.common.runtime.run_context import switch_context

from pipelines.cli import main

ROOT = Path(__file__).parents[1]
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["tests.answers", "pipelines.query", "pipelines.journal", "sources.catalog", "duckdb"])

Answer = tuple[int, str, str]


def ask(variables: dict[str, str], query: str) -> Answer:
    """Exit code, stdout and stderr of `run.py sql <query> --format csv` in an environment of these variables."""
    receiver, sender = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_answer, args=(sender, variables, query))
    with receiver:
        with sender:
            process.start()
        answer: Answer = receiver.recv()
    process.join()
    return answer


def _answer(sender: Connection, variables: dict[str, str], query: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    switch_context(str(ROOT))  # dlt reads the profile once in a process
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(["sql", query, "--format", "csv"], ROOT)
    sender.send((code, out.getvalue(), err.getvalue()))
