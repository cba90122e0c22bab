"""`run.py import` as a user runs it: good and broken files, again, and two at once."""

from pathlib import Path

import pytest

from tests.environment import Environment
from tests.sources.spotify_export.vintages import dump, endsong, podcast, stream, zipped

BALANCE = (
    "select reason, sum(rows) as rows from gold.import_balance"
    " where file in ('Streaming_History_Audio_2019_0.json', 'endsong_0.json') group by reason order by reason"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A zip of 25 rows, an older file that repeats five of them, and two files that cannot be read."""
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = [stream(number) for number in range(20)]
    rows += [stream(number, incognito_mode=True) for number in range(100, 103)]
    audio = dump([*rows, podcast(500), "no row"])
    zipped(folder / "my_data.zip", {"Streaming_History_Audio_2019_0.json": audio})
    (folder / "endsong_0.json").write_bytes(dump([endsong(number) for number in range(5)]))
    (folder / "torn.zip").write_bytes((folder / "my_data.zip").read_bytes()[:400])
    (folder / "Streaming_History_Audio_2020_1.json").write_text("<html>try again later</html>")
    return folder


def test_all_good_files_are_imported_once_and_every_broken_one_is_told(copied: Environment, folder: Path) -> None:
    tried = copied.run("import", str(folder), "--dry-run")
    assert tried.returncode == 1
    assert "nothing was" in tried.stdout
    assert "1 podcast + 0 audiobooks" in tried.stdout
    assert "torn.zip" not in tried.stdout
    assert "torn.zip" in tried.stderr
    assert copied.ask(BALANCE) == []
    first, second = copied.start("import", str(folder)), copied.start("import", str(folder))
    told = ["".join(process.communicate(timeout=600)) for process in (first, second)]
    assert [first.returncode, second.returncode] == [1, 1], told  # two files could not be read
    for text in told:
        assert "torn.zip" in text
        assert "Streaming_History_Audio_2020_1.json" in text
    assert sorted("known already" in text for text in told) == [False, True]
    balance = {row["reason"]: int(row["rows"]) for row in copied.ask(BALANCE)}
    assert sum(balance.values()) == 30
    assert {reason: balance[reason] for reason in ("podcast", "rejected", "duplicate", "incognito")} == {
        "podcast": 1,
        "rejected": 1,
        "duplicate": 5,
        "incognito": 3,
    }
