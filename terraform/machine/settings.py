"""Settings of the parameter store as environment files for systemd.

Parameters are named `<path>/<service>/<VARIABLE>`; each service gets a file of its own, whole or not at all, so that
Metabase never sees what only the flow may know. A value `unset` has yet to be put in; `none` means do without.

Data flow: answer of `aws ssm get-parameters-by-path` (stdin) -> <folder>/<service>.env, readable by root alone

    settings.py /listening-lakehouse/prod /run/lakehouse < answer.json
"""

import json
import os
import sys
from pathlib import Path

UNSET, NONE = "unset", "none"


def services(answer: dict[str, list[dict[str, str]]], path: str) -> dict[str, dict[str, str]]:
    """Variables by service."""
    found: dict[str, dict[str, str]] = {}
    for parameter in answer["Parameters"]:
        service, _, variable = parameter["Name"][len(path) :].strip("/").partition("/")
        found.setdefault(service, {})[variable] = parameter["Value"]
    return found


def line(variable: str, value: str) -> str:
    """One assignment, as systemd reads it."""
    for special in '\\"$`':
        value = value.replace(special, "\\" + special)
    return f'{variable}="{value}"\n'


def write(target: Path, variables: dict[str, str]) -> None:
    """Write one service's file in one step."""
    beside = target.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(line(name, value) for name, value in sorted(variables.items()) if value != NONE)
    beside.replace(target)


def main(path: str, folder: Path) -> int:
    """Write the files of all services that are complete; 1 if one is not."""
    folder.mkdir(mode=0o700, exist_ok=True)
    missing = []
    for service, variables in services(json.load(sys.stdin), path).items():
        unset = [f"{path}/{service}/{name}" for name, value in variables.items() if value == UNSET]
        missing += unset
        if not unset:
            write(folder / f"{service}.env", variables)
    if missing:
        sys.stderr.write(f"no value yet, see terraform/first-run.sh: {', '.join(sorted(missing))}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
