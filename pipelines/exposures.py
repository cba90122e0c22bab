"""What reads gold, as dbt exposures: lineage goes on to each dashboard, notebook and Wrapped.

`make docs` writes dbt/models/exposures.yml; nothing is written by hand, so that it stays true.

Data flow: metabase/*.yaml, notebooks/*.py, pipelines/wrapped/*.py -> names of gold tables -> exposures.yml
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.dashboards.files import read
from pipelines.settings import ROOT

FILE = ROOT / "dbt" / "models" / "exposures.yml"
HEAD = "# written by `make docs`\nversion: 2\n\nexposures:\n"
GOLD = re.compile(r"\bgold\.([a-z][a-z_]*)\b")


@dataclass(frozen=True)
class Exposure:
    """One reader of gold and the tables that it reads."""

    name: str
    label: str
    kind: str
    description: str
    tables: tuple[str, ...]


def exposures(root: Path = ROOT) -> list[Exposure]:
    """All readers, sorted by name."""
    known = {path.stem for path in (root / "dbt" / "models" / "gold").rglob("*.sql")}
    return sorted((*_dashboards(root), *_notebooks(root, known), _wrapped(root, known)), key=lambda item: item.name)


def render(items: list[Exposure]) -> str:
    """The file's text."""
    return HEAD + "\n".join(map(_entry, items))


def _dashboards(root: Path) -> Iterator[Exposure]:
    for item in read(root / "metabase").dashboards:
        tables = tuple(sorted(item.tables))
        yield Exposure(f"dashboard_{item.key}", f"Dashboard {item.name}", "dashboard", item.description, tables)


def _notebooks(root: Path, known: set[str]) -> Iterator[Exposure]:
    for path in sorted((root / "notebooks").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if tables := _tables(text, known):
            about = text.split('"""')[1].strip().splitlines()[0]
            yield Exposure(f"notebook_{path.stem}", f"Notebook {path.stem}", "notebook", about, tables)


def _wrapped(root: Path, known: set[str]) -> Exposure:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "pipelines" / "wrapped").glob("*.py")))
    about = "A year or any range of days as one HTML page."
    return Exposure("wrapped", "Wrapped", "application", about, _tables(text, known))


def _tables(text: str, known: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set(GOLD.findall(text)) & known))


def _entry(item: Exposure) -> str:
    references = "".join(f"      - ref('{table}')\n" for table in item.tables)
    return (
        f"  - name: {item.name}\n    label: {item.label}\n    type: {item.kind}\n    maturity: high\n"
        f"    description: >-\n      {item.description}\n    owner:\n      name: the listener\n"
        f"    depends_on:\n{references}"
    )
