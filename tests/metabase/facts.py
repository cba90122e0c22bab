"""The few facts of Metabase's OpenAPI document that the dashboards depend on, in our own notation.

A field is a kind; `?` allows null, `!` requires the field. A field that is not listed here is refused: Metabase ignores
what it does not know, and a misspelt name would do nothing in silence.
"""

from typing import Any

PARAMETER_TYPES = [
    "number",
    "text",
    "date",
    "boolean",
    "date/single",
    "id",
    "category",
    "location/city",
    "location/state",
    "location/zip_code",
    "location/country",
    "date/range",
    "date/month-year",
    "date/quarter-year",
    "date/relative",
    "date/all-options",
    "temporal-unit",
    "number/!=",
    "number/<=",
    "number/=",
    "number/>=",
    "number/between",
    "string/!=",
    "string/=",
    "string/contains",
    "string/does-not-contain",
    "string/ends-with",
    "string/starts-with",
    "boolean/=",
]

CARD = {
    "name": "text!",
    "dataset_query": "map!",
    "display": "text!",
    "visualization_settings": "map!",
    "description": "text?",
    "collection_id": "positive?",
    "type": "card type?",
    "parameters": "parameters?",
}
DASHBOARD = {"name": "text!", "description": "string?", "collection_id": "positive?", "parameters": "parameters?"}
DATABASE = {"name": "text!", "engine": "text!", "details": "map!", "is_full_sync": "boolean?"}
OPERATIONS: dict[tuple[str, str], dict[str, str]] = {
    ("post", "/api/setup"): {"token": "text!", "user": "map!", "prefs": "map!"},
    ("post", "/api/session"): {"username": "text!", "password": "text!"},
    ("post", "/api/collection"): {"name": "text!", "description": "text?"},
    ("post", "/api/database"): DATABASE,
    ("put", "/api/database/{id}"): {"name": "text?", "engine": "text?", "details": "map?"},
    ("post", "/api/database/{id}/sync_schema"): {},
    ("post", "/api/card"): CARD,
    ("put", "/api/card/{id}"): {
        **{name: kind.replace("!", "?") for name, kind in CARD.items()},
        "description": "string?",
        "archived": "boolean?",
    },
    ("post", "/api/dashboard"): DASHBOARD,
    ("put", "/api/dashboard/{id}"): {
        **{name: kind.replace("!", "?") for name, kind in DASHBOARD.items()},
        "archived": "boolean?",
        "dashcards": "dashcards?",
    },
    ("put", "/api/table/{id}"): {"description": "string?"},
    ("put", "/api/field/{id}"): {"description": "text?"},
}
DASHCARD = {
    "id": "integer!",
    "card_id": "positive?",
    "col": "natural!",
    "row": "natural!",
    "size_x": "positive!",
    "size_y": "positive!",
    "series": "maps?",
    "parameter_mappings": "mappings?",
    "visualization_settings": "map?",
}
PARAMETER = {
    "id": "text!",
    "type": "parameter type!",
    "name": "string",
    "slug": "string",
    "sectionId": "text",
    "target": "target",
}
MAPPING = {"parameter_id": "text!", "card_id": "positive?", "target": "target!"}


def faults(method: str, path: str, body: Any) -> list[str]:
    """What the document would refuse about a request's body."""
    return _faults(body, OPERATIONS[method.lower(), path], "body")


def _faults(body: Any, fields: dict[str, str], where: str) -> list[str]:
    if not isinstance(body, dict):
        return [f"{where} is no map"]
    found = [f"{where} has unknown {name}" for name in body if name not in fields]
    found += [f"{where} lacks {name}" for name, kind in fields.items() if kind.endswith("!") and name not in body]
    for name, kind in fields.items():
        if name in body:
            found += _kind(body[name], kind, f"{where}.{name}")
    return found


def _kind(value: Any, kind: str, where: str) -> list[str]:
    if value is None:
        return [] if kind.endswith("?") else [f"{where} is null"]
    kind = kind.rstrip("?!")
    if kind in LISTS:
        if not isinstance(value, list):
            return [f"{where} is no list"]
        ids = [item.get("id") for item in value if isinstance(item, dict) and "id" in item]
        twice = [f"{where} has an id twice"] if len(set(ids)) < len(ids) else []
        return twice + [fault for n, item in enumerate(value) for fault in _faults(item, LISTS[kind], f"{where}[{n}]")]
    return [] if CHECKS[kind](value) else [f"{where} is no {kind}: {value!r}"]


def _is_target(value: Any) -> bool:
    return (
        isinstance(value, list)
        and value[0] in ("dimension", "variable")
        and isinstance(value[1], list)
        and value[1][0] == "template-tag"
        and bool(value[1][1])
    )


LISTS = {"dashcards": DASHCARD, "parameters": PARAMETER, "mappings": MAPPING, "maps": {}}
CHECKS = {
    "text": lambda value: isinstance(value, str) and bool(value),
    "string": lambda value: isinstance(value, str),
    "map": lambda value: isinstance(value, dict),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "natural": lambda value: isinstance(value, int) and value >= 0,
    "positive": lambda value: isinstance(value, int) and value >= 1,
    "card type": lambda value: value in ("question", "metric", "model"),
    "parameter type": lambda value: value in PARAMETER_TYPES,
    "target": _is_target,
}
