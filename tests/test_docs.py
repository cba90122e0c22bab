"""What the documents say is what the code does."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pipelines.command_table import COMMANDS
from pipelines.settings import SOURCES
from tests.environment import FIRST_RUN, Environment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SETTING = re.compile(r"`((?:LAKEHOUSE|SOURCES|DESTINATION|SANDBOX|METABASE|WORKSPACE)__[A-Z0-9_]+)`")


def documents() -> list[Path]:
    return [path for path in ROOT.rglob("*.md") if not {".venv", "node_modules", ".pytest_cache"} & set(path.parts)]


def test_the_readme_names_every_command_with_its_help() -> None:
    for command in COMMANDS:
        assert f"| `{command.name}` | {command.help} |" in README


def test_the_readme_shows_what_the_first_run_really_says(built: Environment) -> None:
    shown = README.split("```")[1].strip("\n")
    assert shown in (built.data_dir / FIRST_RUN).read_text()


def test_the_help_names_every_command() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "pipelines/run.py", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in COMMANDS:
        assert command.name in told


def test_every_make_target_says_what_it_does_and_named_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"\.PHONY: (.*)", makefile)
    assert phony is not None
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert described == set(phony[1].split())
    for path in documents():
        named = set(re.findall(r"`make ([a-z-]+)", path.read_text()))
        assert named <= described, path


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    table = set(SETTING.findall((ROOT / "docs/settings.md").read_text()))
    code = (ROOT / "pipelines/settings.py").read_text()
    keys = set(re.findall(r'"((?:lakehouse|sandbox)\.[a-z_]+)"', code))
    read = {key.upper().replace(".", "__") for key in keys}
    sections = {"sources.spotify_api": "_spotify_api", "destination.lake": "_lake"}
    for section, function in sections.items():
        body = code[code.index(f"def {function}(") :].split("\ndef ")[0]
        read |= {f"{section}.{key}".upper().replace(".", "__") for key in re.findall(r'\{section\}\.([a-z_.]+)"', body)}
    assert read <= table
    for setting in table - read - {"WORKSPACE__PROFILE"}:
        *_, last = setting.lower().split("__")
        assert last in code, setting


def test_settings_named_anywhere_in_the_documents_exist() -> None:
    table = set(SETTING.findall((ROOT / "docs/settings.md").read_text()))
    tables = ("SPOTIFY_ALBUMS", "SPOTIFY_ARTISTS")
    table |= {name.replace("SPOTIFY_TRACKS", other) for name in table for other in tables}
    for path in documents():
        assert set(SETTING.findall(path.read_text())) <= table, path


def test_every_relative_link_leads_somewhere() -> None:
    for path in documents():
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("source", SOURCES)
def test_the_readme_of_a_source_lists_exactly_its_tables(source: str) -> None:
    text = (ROOT / "sources" / source / "README.md").read_text()
    for table in import_module(f"sources.{source}.tables").TABLES:
        assert f"`{table.name}`" in text, table.name


def test_the_secrets_template_is_valid_and_names_known_settings() -> None:
    import tomllib

    template = tomllib.loads((ROOT / ".dlt/example.secrets.toml").read_text())
    table = (ROOT / "docs/settings.md").read_text()

    def names(node: dict[str, object], before: str) -> list[str]:
        return [
            name
            for key, value in node.items()
            for name in (names(value, f"{before}{key}__") if isinstance(value, dict) else [f"{before}{key}"])
        ]

    for name in names(template, ""):
        assert f"`{name.upper()}`" in table, name


def test_no_document_or_module_names_a_place_of_somebody_s_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    faults = []
    for name in filter(None, files):
        path = ROOT / name
        text = path.read_text(errors="ignore") if path.is_file() else ""
        if re.search(r"/(work|root|home/\w+)/(main|shared|\.library)|\.\./shared|pypi\.org|files\.pythonhosted", text):
            faults.append(name)
    assert faults in ([], ["tests/test_docs.py"])
