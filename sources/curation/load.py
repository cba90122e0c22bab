"""Copies the folder of rules into bronze when it has changed.

Data flow: folder -> digest -> (dlt pipeline only when it differs) -> bronze
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sources.curation.rules import Rule, read_rules
from sources.pending import finish

if TYPE_CHECKING:
    import dlt


def load_rules(pipeline: "Callable[[], dlt.Pipeline]", folder: Path, state: Path) -> int:
    """Copy the rules if they differ from the last copy.

    Args:
        pipeline: Makes the dlt pipeline; called only when there may be something to copy.
        folder: The CSV files; a folder that is not there changes nothing.
        state: The pipeline's `state.json` on this machine, which saves a quiet run from making a pipeline.

    Returns:
        Rows written: one per line, or one marker for an emptied folder.
    """
    if not folder.is_dir():
        return 0
    rules = read_rules(folder)
    digest = _digest(rules)
    known = _known(json.loads(state.read_text())) if state.exists() else None
    if digest == known or (known is None and not rules and not state.exists() and not _was_copied(pipeline())):
        return 0
    return _copy(pipeline(), rules, digest)


def _copy(pipeline: "dlt.Pipeline", rules: Sequence[Rule], digest: str) -> int:
    from sources.curation import curation

    finish(pipeline)
    if _known(pipeline.state) == digest:
        return 0
    pipeline.run(curation(rules, digest), loader_file_format="parquet").raise_on_failed_jobs()
    return max(len(rules), 1)


def _was_copied(pipeline: "dlt.Pipeline") -> bool:
    pipeline.sync_destination()
    return _known(pipeline.state) is not None


def _known(state: "object") -> str | None:
    sources = state.get("sources", {}) if isinstance(state, dict) else {}
    digest: str | None = sources.get("curation", {}).get("digest")
    return digest


def _digest(rules: Sequence[Rule]) -> str:
    lines = [[rule.file, rule.line, rule.kind, rule.fields, rule.problem] for rule in rules]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()
