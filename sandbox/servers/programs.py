"""Where a server's programs come from: this machine, a wheel of the test environment, or Debian's packages.

As root the packages are installed. Anybody else gets them unpacked into a folder of the user's cache, which needs no
right at all.

Data flow: name of a program, packages -> path of the program
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sources.problem import Problem

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
LOCKED = "Could not get lock"
APT_ATTEMPTS = 30


def find(name: str, *folders: str | Path) -> Path | None:
    """Path of a program in the given folders, beside this Python, on the PATH, or where servers usually are."""
    places = [*map(str, folders), str(Path(sys.executable).parent), os.environ.get("PATH", ""), *SYSTEM_FOLDERS]
    found = shutil.which(name, path=os.pathsep.join(places))
    return Path(found).absolute() if found else None


def cache() -> Path:
    """Folder of the user's cache where packages are unpacked."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "listening-lakehouse" / "servers"


def install(packages: Sequence[str], setting: str) -> Path:
    """Brings Debian packages onto this machine.

    Returns:
        The root of their files: `/` where they were installed, else the folder that they were unpacked into.

    Raises:
        Problem: Neither was possible; the message names the command that mends it, and the setting of a given server.
    """
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    mend = f"Run `{command}` as root, or name a server that is there with {setting}."
    if not shutil.which("apt-get"):
        raise Problem(f"This machine has neither {packages[0]} nor apt-get. {mend}")
    if os.geteuid() == 0:
        _apt(["install", "-y", "--no-install-recommends", *packages], mend)
        return Path("/")
    return _unpack(packages, mend)


def _apt(arguments: Sequence[str], mend: str, folder: Path | None = None) -> None:
    done = _apt_get(arguments, folder)
    if done.returncode:  # a machine without package lists, or with old ones
        _apt_get(["update"], folder)
        done = _apt_get(arguments, folder)
    if done.returncode:
        raise Problem(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-500:]} {mend}")


def _apt_get(arguments: Sequence[str], folder: Path | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for _ in range(APT_ATTEMPTS):  # another run may be installing at this moment
        done = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, env=env, cwd=folder, check=False)  # noqa: S603, S607
        if LOCKED not in done.stderr:
            break
        time.sleep(1)
    return done


def _unpack(packages: Sequence[str], mend: str) -> Path:
    root = cache() / "-".join(packages)
    if root.exists():
        return root
    part = root.with_name(f"{root.name}.{os.getpid()}")
    part.mkdir(parents=True)
    _apt(["download", *packages], mend, part)
    for archive in part.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(part)], check=True)  # noqa: S603, S607
    try:
        part.rename(root)
    except OSError:  # another process was first
        shutil.rmtree(part)
    return root
