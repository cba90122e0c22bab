"""The sandbox's exports, with all the habits that it gives them, are read to the last row."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.export import write_extended

from .conftest import Lake
from .test_privacy import every_byte


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from sandbox.world import ensure

    folder = tmp_path_factory.mktemp("world")
    made = ensure(folder, f"sqlite:///{folder / 'catalog.sqlite'}", 5, 400)
    yield made
    made.close()


def rows_in(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if "istory" in name and name.endswith(".json")]
        return sum(len(json.loads(archive.read(name))) for name in names)


def test_each_row_of_the_sandbox_reaches_bronze_and_nothing_personal_does(world: Any, lake: Lake, tmp_path: Path):
    from sandbox.export import PERSONAL, write_account

    extended = write_extended(world, tmp_path / "extended.zip")
    account = write_account(world, tmp_path / "account.zip")
    report = lake.take(extended, account)
    assert not report.problems
    assert report.counts.rejected == 0
    assert len(lake.rows("streams", "row_number")) == rows_in(extended)
    assert len(lake.rows("account_streams", "row_number")) == rows_in(account)
    written = b"\n".join(every_byte(tmp_path / "lake").values()) + b"\n".join(
        every_byte(tmp_path / "pipelines").values()
    )
    assert [text for text in PERSONAL if text.encode() in written] == []


def test_the_scrobbles_of_the_sandbox_reach_bronze(world: Any, lake: Lake, tmp_path: Path):
    from sandbox.scrobbles import scrobbles, write_lastfm, write_listenbrainz

    noted = len(scrobbles(world))
    report = lake.take(write_lastfm(world, tmp_path / "b.csv"), write_listenbrainz(world, tmp_path / "l.jsonl"))
    assert [each.counts.music for each in report.files] == [noted, noted]
