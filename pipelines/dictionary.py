"""The data dictionary: every published table and column, as the dbt project describes them.

`make docs` writes docs/dictionary.md; nothing is written by hand, so that it stays true.

Data flow: dbt/models/gold/*/_*__models.yml -> docs/dictionary.md
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.settings import ROOT

FILE = ROOT / "docs" / "dictionary.md"
HEAD = """# Data dictionary

Every table of `gold`, as `dbt/models/gold` describes it. Times are UTC instants; columns ending in `_on`, `hour` and
`weekday` are in the listener's zone; durations are in milliseconds. What the words mean (counted, recording, session,
minimum) is in [the models' README](../dbt/models/gold/README.md). Written by `make docs`.
"""
FOLDERS = ("core", "calendar", "rankings", "story", "care", "catalog", "recommender")


def render(root: Path = ROOT) -> str:
    """The file's text."""
    models = root / "dbt" / "models" / "gold"
    return HEAD + "".join(_section(models / folder) for folder in FOLDERS)


def keys(root: Path = ROOT) -> dict[str, list[str]]:
    """Columns of the key of each published table."""
    models = root / "dbt" / "models" / "gold"
    return {model["name"]: _key(model) for folder in FOLDERS for model in _models(models / folder)}


def _section(folder: Path) -> str:
    return f"\n## {folder.name.capitalize()}\n" + "".join("".join(_table(table)) for table in _models(folder))


def _models(folder: Path) -> list[dict[str, Any]]:
    import yaml

    (file,) = folder.glob("_*__models.yml")
    return [model for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"] if _key(model)]


def _table(model: Mapping[str, Any]) -> Iterator[str]:
    key = _key(model)
    yield f"\n### {model['name']}\n\n{_line(model['description'])}\n\n| column | type | meaning |\n|---|---|---|\n"
    for column in model["columns"]:
        name = f"**{column['name']}**" if column["name"] in key else column["name"]
        yield f"| {name} | {column['data_type']} | {_line(column['description'])} |\n"


def _key(model: Mapping[str, Any]) -> list[str]:
    key: list[str] = model.get("config", {}).get("meta", {}).get("primary_key", [])
    return key


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
