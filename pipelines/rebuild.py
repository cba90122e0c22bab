"""`run.py rebuild`: everything but credentials from the lake alone, on an empty machine or a spoiled one.

Data flow: lake -> what `restore` puts back -> build, audit, publish
"""

import sys

from pipelines.ended import Run
from pipelines.flow import bring_up
from pipelines.integrity import examine, sound_snapshot
from pipelines.journal import step
from pipelines.lock import Lock
from pipelines.restore import STEPS
from pipelines.settings import Settings


def bring_back(settings: Settings, lock: Lock, current: Run) -> Run:
    """Restore what is missing here, then build, audit and publish; for callers that hold the lock."""
    with step("examine"):
        examine(settings, sound_snapshot(settings, note=True))
    with step("restore"):
        for name, do in STEPS.items():
            sys.stdout.write(f"{name:<12} {do(settings)}\n")
    return bring_up(settings, lock, current, full_refresh=True, forward=True)
