"""Starts MariaDB, S3 and Postgres and runs one command with the settings that name them.

Everything is thrown away when the command ends. Without a command an interactive shell is opened.

Run it: `python -m sandbox.servers make run`
"""

import os
import subprocess
import sys

from sandbox.servers.together import serve
from sources.problem import Problem


def main(command: list[str]) -> int:
    """Runs the command against servers of its own and returns its exit code."""
    with serve() as settings:
        return subprocess.call(command or [os.environ.get("SHELL", "/bin/sh")], env={**os.environ, **settings})  # noqa: S603


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        sys.exit(str(problem))
