"""The bronze tables of the listener's own rules, as data."""

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
FILES = Table("files", {"file": "VARCHAR", "content": "BLOB", "copied_at": "TIMESTAMPTZ"}, ("file",))
"""The files byte for byte, so that a lost folder comes back as it was, faulty lines and notes included."""

TABLES = (RULES, FILES)
