"""The listener's own rules as a dlt source: the whole folder, copied when it changes.

The newest copy is the truth, so a rule whose line is gone is gone. A folder that was emptied is told by one marker
row; a folder that is not there says nothing, so that an empty machine keeps the rules that the lake holds. The files go
along byte for byte: from them a lost folder is made again.

Data flow: CSV folder -> Folder -> bronze tables `curation.rules`, `curation.files`
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dlt

from sources.curation.rules import Folder, Rule
from sources.curation.tables import FILES, RULES

EMPTIED = Rule("", 0, "none", "{}")


@dlt.source(name="curation", max_table_nesting=0)
def curation(folder: Folder) -> Any:
    """One copy of the folder.

    Args:
        folder: Every line of every file, and the files themselves; its digest is kept in the state, so that an
            unchanged folder is not copied again.
    """
    return _rules(folder), _files(folder)


@dlt.resource(name="rules", write_disposition="append")
def _rules(folder: Folder) -> Iterator[Any]:
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
        for rule in folder.rules or [EMPTIED]
    ]
    dlt.current.source_state()["digest"] = folder.digest
    yield pa.Table.from_pylist(rows, schema=RULES.arrow_schema)


@dlt.resource(name="files", write_disposition="append")
def _files(folder: Folder) -> Iterator[Any]:
    import pyarrow as pa

    now = datetime.now(UTC)
    rows = [{"file": name, "content": content, "copied_at": now} for name, content in folder.files.items()]
    if rows:
        yield pa.Table.from_pylist(rows, schema=FILES.arrow_schema)
