"""The dashboards as the folder `metabase/` holds them: readable files, checked before anything is sent.

Data flow: metabase/connection.yaml, metabase/dashboards/*.yaml -> Source
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sources.problem import UsageProblem

COLUMNS = 24
TAG = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TABLE = re.compile(r"\bgold\.([a-z_]+)\b(?!\()")
FUNCTION = re.compile(r"\bgold\.([a-z_]+)\(")
DISPLAYS = ("scalar", "table", "bar", "row", "line", "area", "pie")
FILTERS = ("date/all-options", "string/=", "number/=", "number/between")
VARIABLES = ("text", "number")


@dataclass(frozen=True)
class Filter:
    """A filter at the head of a dashboard."""

    key: str
    name: str
    type: str


@dataclass(frozen=True)
class Click:
    """Where a click leads.

    Attributes:
        column: Column of a table that is clicked; None for a whole chart.
        dashboard: Key of the dashboard that is opened; None sets filters of its own.
        values: Column that gives the value of each filter, by the filter's key.
    """

    column: str | None
    dashboard: str | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class Card:
    """One question and its place on a dashboard.

    Attributes:
        at: Column, row, width and height on a grid of 24 columns.
        fields: `table.column` that a filter compares, by the filter's key: Metabase writes the condition.
        variables: Type of what a filter puts in as a value, by the filter's key.
        settings: Of the chart, as Metabase names them.
    """

    name: str
    description: str | None
    display: str
    at: tuple[int, int, int, int]
    sql: str
    fields: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    clicks: tuple[Click, ...] = ()

    @property
    def tables(self) -> set[str]:
        """Names of the gold tables that the SQL reads."""
        return set(TABLE.findall(self.sql))


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; its key is the name of its file."""

    key: str
    name: str
    description: str
    filters: tuple[Filter, ...]
    cards: tuple[Card, ...]

    @property
    def tables(self) -> set[str]:
        """Names of the gold tables that its cards read."""
        return {table for card in self.cards for table in card.tables}


@dataclass(frozen=True)
class Source:
    """All that the folder holds."""

    name: str
    schema: str
    collection: str
    description: str
    dashboards: tuple[Dashboard, ...]


def read(folder: Path) -> Source:
    """Read and check the folder.

    Raises:
        UsageProblem: A file is not as it must be; the message names it and the card.
    """
    connection = _load(folder / "connection.yaml")
    dashboards = tuple(_dashboard(path) for path in sorted((folder / "dashboards").glob("*.yaml")))
    keys = {dashboard.key: {item.key for item in dashboard.filters} for dashboard in dashboards}
    for dashboard in dashboards:
        faults = [fault for card in dashboard.cards for fault in _faults(dashboard, card, keys)]
        names = [card.name for card in dashboard.cards]
        faults += [f"two cards are called {name}" for name in {name for name in names if names.count(name) > 1}]
        if faults:
            raise UsageProblem(f"metabase/dashboards/{dashboard.key}.yaml: {'; '.join(faults)}.")
    return Source(dashboards=dashboards, **connection)


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UsageProblem(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    return content


def _dashboard(path: Path) -> Dashboard:
    content = _load(path)
    try:
        filters = tuple(Filter(key, **item) for key, item in (content.get("filters") or {}).items())
        cards = tuple(_card(item) for item in content["cards"])
        return Dashboard(path.stem, content["name"], content["description"], filters, cards)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageProblem(f"{path} is not a dashboard: {type(error).__name__} {error}.") from error


def _card(item: Mapping[str, Any]) -> Card:
    left, top, width, height = item["at"]
    known = {name: item[name] for name in ("fields", "variables", "settings") if name in item}
    return Card(
        name=item["name"],
        description=item.get("description"),
        display=item["display"],
        at=(left, top, width, height),
        sql=item["sql"].strip(),
        clicks=tuple(_clicks(item.get("click") or {})),
        **known,
    )


def _clicks(item: Mapping[str, Any]) -> Iterator[Click]:
    if "set" in item:
        yield Click(None, item.get("dashboard"), item["set"])
        return
    for column, click in item.items():
        yield Click(column, click.get("dashboard"), click["set"])


def _faults(dashboard: Dashboard, card: Card, keys: Mapping[str, set[str]]) -> Iterator[str]:
    own = keys[dashboard.key]
    tags, declared = set(TAG.findall(card.sql)), {**card.fields, **card.variables}
    wrong = {
        f"display {card.display!r}": card.display not in DISPLAYS,
        "SQL and declared filters differ": tags != set(declared),
        "a filter that the dashboard lacks": not set(declared) <= own,
        "unknown type of filter": any(item.type not in FILTERS for item in dashboard.filters),
        "unknown type of variable": not set(card.variables.values()) <= set(VARIABLES),
        "a place outside the grid": not _is_on_grid(card.at),
        "optional clauses that do not close": card.sql.count("[[") != card.sql.count("]]"),
        "a filter outside [[ ]]": bool(TAG.search(re.sub(r"\[\[.*?\]\]", "", card.sql, flags=re.DOTALL))),
        "a click that leads nowhere": any(not _leads(click, own, keys) for click in card.clicks),
    }
    yield from (f"{card.name}: {fault}" for fault, is_so in wrong.items() if is_so)


def _is_on_grid(at: tuple[int, int, int, int]) -> bool:
    left, top, width, height = at
    return left >= 0 and top >= 0 and width >= 1 and height >= 1 and left + width <= COLUMNS


def _leads(click: Click, own: set[str], keys: Mapping[str, set[str]]) -> bool:
    there = keys.get(click.dashboard, set()) if click.dashboard else own
    return bool(click.values) and set(click.values) <= there
