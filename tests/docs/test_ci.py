"""The files for GitHub and GitLab call what a developer calls."""

import re

import yaml

from tests.environment import ROOT

GITHUB = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
GITLAB = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())


def test_both_run_the_tests_and_the_linters() -> None:
    steps = [step.get("run", "") for job in GITHUB["jobs"].values() for step in job["steps"]]
    scripts = [line for name in GITLAB["stages"] + ["lint"] for line in GITLAB[name]["script"]]
    for commands in (steps, scripts):
        assert {"make test", "make lint"} <= set(commands)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {command.split()[1] for command in (*steps, *scripts) if command.startswith("make ")} <= targets


def test_github_gives_its_jobs_no_more_than_reading() -> None:
    assert GITHUB["permissions"] == {"contents": "read"}


def test_the_pythons_that_are_tested_are_those_that_are_promised() -> None:
    pythons = GITHUB["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert f'requires-python = ">={min(pythons)}"' in (ROOT / "pyproject.toml").read_text()
