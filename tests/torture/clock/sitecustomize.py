"""What a tortured process is made to suffer, decided by its environment; Python loads this module by itself.

`TORTURE_KILL_AT=n` kills it hard before the n-th change of a file (open for writing, rename, delete, new folder) below
`TORTURE_FOLDER`; `TORTURE_COUNT=file` counts these moments instead. `TORTURE_CLOCK=s` sets its clock s seconds ahead.
`TORTURE_SPACE=n` lets no file grow beyond n bytes, DuckDB's neither, as on a disk that is full; `TORTURE_FULL_AT=n` has
no space from the n-th change of a file on.
"""

import errno
import itertools
import os
import resource
import signal
import sys
import time
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
moments = itertools.count(1)
latest = 0


def watch(event, arguments):
    global latest  # noqa: PLW0603 an audit hook has no other place to count
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if not (writes or event in CHANGES) or not str(arguments[0]).startswith(FOLDER):
        return
    latest = next(moments)
    if latest == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if FULL_AT and latest >= FULL_AT and event != "os.remove":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))


def tell():
    Path(os.environ["TORTURE_COUNT"]).write_text(str(latest))


AHEAD = float(os.environ.get("TORTURE_CLOCK", "0"))
FOLDER = os.environ.get("TORTURE_FOLDER", "")
KILL_AT = int(os.environ.get("TORTURE_KILL_AT", "0"))
FULL_AT = int(os.environ.get("TORTURE_FULL_AT", "0"))
if "TORTURE_SPACE" in os.environ:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["TORTURE_SPACE"]), resource.RLIM_INFINITY))
if AHEAD:
    true_time = time.time
    time.time = lambda: true_time() + AHEAD
if FOLDER:
    sys.addaudithook(watch)
if "TORTURE_COUNT" in os.environ:
    import atexit

    atexit.register(tell)
