"""What surrounds a run on embedded defaults goes with it: `--every` may live for years."""

import os
from pathlib import Path

import pytest

from pipelines.embedded import surround
from pipelines.settings import load


def test_a_tick_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SANDBOX__TRACKS", "300")
    settings = load()
    counts = []
    for _ in range(3):
        with surround(settings) as around:
            assert around.now()
        counts.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 a count, not paths
    assert counts[0] == counts[1] == counts[2]
