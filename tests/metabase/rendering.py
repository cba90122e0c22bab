"""SQL of a card as Metabase makes it from a template: field filters become conditions, variables become literals."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
TAG = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def render(native: Mapping[str, Any], values: Mapping[str, Any], column: Callable[[int], str]) -> str:
    """The SQL of a native query.

    Args:
        native: `query` and `template-tags`, as the server keeps them.
        values: Value of each filter that is set.
        column: Quoted name of a field by its number.
    """
    tags = native["template-tags"]

    def optional(match: re.Match[str]) -> str:
        return match[1] if set(TAG.findall(match[1])) <= set(values) else ""

    def condition(match: re.Match[str]) -> str:
        tag, value = tags[match[1]], values[match[1]]
        if tag["type"] != "dimension":
            return str(float(value)) if tag["type"] == "number" else literal(value)
        return CONDITIONS[tag["widget-type"]](column(tag["dimension"][1]), value)

    return TAG.sub(condition, OPTIONAL.sub(optional, native["query"]))


def literal(value: Any) -> str:
    """A value as SQL."""
    if isinstance(value, date):
        return f"date '{value}'"
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def _range(name: str, value: tuple[Any, Any]) -> str:
    return f"({name} >= {literal(value[0])} and {name} < {literal(value[1])} + interval '1 day')"


CONDITIONS = {
    "date/all-options": _range,
    "string/=": lambda name, value: f"({name} = {literal(value)})",
    "number/=": lambda name, value: f"({name} = {literal(value)})",
    "number/between": lambda name, value: f"({name} between {literal(value[0])} and {literal(value[1])})",
}
