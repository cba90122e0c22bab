"""The listener's own rules as a dlt source: the whole folder, copied when it changes.

The newest copy is the truth, so a rule whose line is gone is gone. A folder that was emptied is told by one marker
row; a folder that is not there says nothing, so that an empty machine keeps the rules that the lake holds.

Data flow: CSV folder -> rules -> bronze table `curation.rules`
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dlt

from sources.curation.rules import Rule
from sources.curation.tables import RULES

EMPTIED = Rule("", 0, "none", "{}")


@dlt.source(name="curation", max_table_nesting=0)
def curation(rules: Sequence[Rule], digest: str) -> Any:
    """One copy of the folder.

    Args:
        rules: Every line of every file.
        digest: Of the rules; kept in the state, so that an unchanged folder is not copied again.
    """
    return _rows(rules, digest)


@dlt.resource(name="rules", write_disposition="append")
def _rows(rules: Sequence[Rule], digest: str) -> Iterator[Any]:
    import pyarrow as pa

    now = datetime.now(UTC)
    rows = [
        {
            "file": rule.file,
            "line": rule.line,
            "kind": rule.kind,
            "fields": rule.fields,
            "is_valid": rule.is_valid,
            "problem": rule.problem or None,
            "copied_at": now,
        }
        for rule in rules or [EMPTIED]
    ]
    dlt.current.source_state()["digest"] = digest
    yield pa.Table.from_pylist(rows, schema=RULES.arrow_schema)
