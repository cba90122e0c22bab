"""The bronze table of the listener's own rules, as data."""

from sources.table import Table

RULES = Table(
    "rules",
    {
        "file": "VARCHAR",
        "line": "BIGINT",
        "kind": "VARCHAR",
        "fields": "VARCHAR",
        "is_valid": "BOOLEAN",
        "problem": "VARCHAR",
        "copied_at": "TIMESTAMPTZ",
    },
    ("file", "line"),
)

TABLES = (RULES,)
