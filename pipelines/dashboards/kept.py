"""What was applied last, kept in Metabase itself, so that a change by hand is seen from any machine.

Metabase rewrites what it is sent. So nothing is compared with the files but with Metabase's own answer, read right
after it was written: a part that differs since then was changed by somebody else. The marks of all parts are the
description of one card. It says `unfinished` while an apply writes; what a killed apply wrote is then known to be its
own.

Data flow: answers of Metabase -> parts -> marks; marks <-> description of the marker card
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NAME = "How these dashboards are kept"
HEAD = "Written by `run.py dashboards`: marks of what it applied, to tell changes by hand. Leave it as it is."
Parts = dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """What is known of one thing.

    Attributes:
        id: Its number in Metabase.
        wanted: Digest of what was sent.
        seen: Digest of each part of what Metabase then answered.
    """

    id: int
    wanted: str
    seen: Mapping[str, str]


@dataclass
class Kept:
    """The marks of everything that was applied, by key."""

    marks: dict[str, Mark] = field(default_factory=dict)
    unfinished: bool = False


def digest(value: Any) -> str:
    """Eight hex digits of a value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]


def digests(parts: Parts) -> dict[str, str]:
    """The digest of each part."""
    return {name: digest(value) for name, value in parts.items()}


def to_text(kept: Kept) -> str:
    """The description of the marker card."""
    return HEAD + "\n" + json.dumps(asdict(kept), separators=(",", ":"), sort_keys=True)


def from_text(text: str | None) -> Kept:
    """What a description holds; nothing, where somebody wrote another one."""
    try:
        content = json.loads((text or "").partition("\n")[2])
        return Kept({key: Mark(**mark) for key, mark in content["marks"].items()}, content["unfinished"])
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Kept()


def card_parts(card: Mapping[str, Any]) -> Parts:
    """The parts of a card that a person may change."""
    query = card["dataset_query"]
    stage = query.get("native") if isinstance(query.get("native"), dict) else (query.get("stages") or [{}])[0]
    tags = stage.get("template-tags") or {}
    return {
        "name": card["name"],
        "description": card.get("description"),
        "chart": [card["display"], card.get("visualization_settings")],
        "SQL": stage.get("query") or stage.get("native"),
        "filters": [[name, tag["type"], _field(tag), tag.get("widget-type")] for name, tag in sorted(tags.items())],
        "place": [card.get("collection_id"), bool(card.get("archived"))],
    }


def dashboard_parts(dashboard: Mapping[str, Any]) -> Parts:
    """The parts of a dashboard that a person may change."""
    return {
        "name": dashboard["name"],
        "description": dashboard.get("description"),
        "filters": dashboard.get("parameters") or [],
        "cards": sorted(json.dumps(_dashcard(card), sort_keys=True) for card in dashboard.get("dashcards") or []),
        "place": [dashboard.get("collection_id"), bool(dashboard.get("archived"))],
    }


def database_parts(database: Mapping[str, Any]) -> Parts:
    """The parts of a connection that a person may change; the password is never answered."""
    details = {name: value for name, value in (database.get("details") or {}).items() if name != "password"}
    return {"name": database["name"], "connection": [database["engine"], details]}


def _dashcard(card: Mapping[str, Any]) -> Parts:
    names = ("card_id", "col", "row", "size_x", "size_y", "visualization_settings")
    mappings = sorted(json.dumps(item, sort_keys=True) for item in card.get("parameter_mappings") or [])
    return {**{name: card.get(name) for name in names}, "parameter_mappings": mappings}


def _field(tag: Mapping[str, Any]) -> int | None:
    return next((part for part in tag.get("dimension") or [] if isinstance(part, int)), None)
