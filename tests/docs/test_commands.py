"""What the documents tell people to type and to read exists."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.cli import parser
from tests.environment import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "metabase").glob("*.md"))]
COMMAND = re.compile(r"python pipelines/run\.py((?:[^\S\n][^`\n|#]*)?)")
CODE = "\n".join(
    path.read_text() for folder in ("pipelines", "sources") for path in sorted((ROOT / folder).rglob("*.py"))
)
TROUBLE = ROOT / "docs" / "troubleshooting.md"


def commands() -> list[tuple[str, str]]:
    return [(path.name, found.strip()) for path in DOCUMENTS for found in COMMAND.findall(path.read_text())]


@pytest.mark.parametrize(("document", "command"), sorted(set(commands())))
def test_every_command_line_of_the_documents_is_one_that_the_program_takes(document: str, command: str) -> None:
    arguments = [part for part in shlex.split(command) if part != "..."]
    parser().parse_args(arguments)


def test_the_documents_show_commands() -> None:
    assert len(commands()) > 20


def messages() -> list[str]:
    return re.findall(r"^\| `([^|]+?)` \|", TROUBLE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("message", messages())
def test_every_message_of_the_troubleshooting_is_one_that_the_program_says(message: str) -> None:
    said = re.sub(r'"\s*\n\s*f?"', "", CODE)
    places = [line for line in said.splitlines() if all(part.strip() in line for part in message.split("..."))]
    assert places, message


def test_the_files_that_extending_names_are_there() -> None:
    text = (ROOT / "docs" / "extending.md").read_text()
    named = re.findall(r"`((?:sources|pipelines|dbt|metabase|tests)/[^`<{ ]+)`", text)
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").glob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_says_in_words_what_it_shows(picture: Path) -> None:
    from xml.etree import ElementTree

    drawing = ElementTree.fromstring(picture.read_text())  # noqa: S314 our own file
    assert len(drawing.attrib["aria-label"]) > 50
    assert any(picture.name in path.read_text() for path in DOCUMENTS)
