"""`make dashboard`: the dlt dashboard on this profile's pipelines.

It finds destinations from settings only, never from code, so the lake's place is put into its environment first.

Data flow: settings -> environment -> dlthub local show
"""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.cli import alone
from pipelines.lake import export_destination
from pipelines.settings import Settings


def dashboard(settings: Settings, arguments: list[str]) -> int:
    """Serve the dashboard until it is interrupted; arguments go to `dlthub local show`."""
    export_destination(settings)
    programs = Path(sys.executable).parent
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"  # it calls marimo by name
    return subprocess.run([programs / "dlthub", "local", "show", *arguments], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(alone(dashboard))
