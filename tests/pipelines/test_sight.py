"""The lake as loaders see it: looked at once, and anew after something was loaded."""

from pathlib import Path

import pytest

from pipelines.settings import load
from pipelines.sight import Sight
from sources.curation.load import load_rules


def test_who_asks_after_a_load_sees_what_it_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    settings = load()
    settings.curation.mkdir()
    (settings.curation / "exclude.csv").write_text("kind,name\nartist,Ж\n")
    sight = Sight(settings)
    before = sight.snapshot
    assert (before.files, sight.snapshot is before) == ({}, True)
    state = tmp_path / "pipelines/curation/state.json"
    assert load_rules(lambda: sight.pipeline("curation"), settings.curation, state) == 1
    after = sight.snapshot
    assert (len(after.paths("curation__rules")), sight.snapshot is after) == (1, True)
