"""The snapshot opens committed load packages only, whatever else lies in the lake."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake import pipeline_for, seal, take_snapshot
from pipelines.local_files import LocalFiles
from pipelines.settings import load
from pipelines.store import Folder
from sources.curation.load import load_rules

LOAD = "1795369125.36726"


def put(root: Path, name: str, content: bytes = b"x") -> None:
    """Place one file in the lake."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def loads_entry(load: str) -> str:
    return f"catalog/_dlt_loads/catalog__{load}.jsonl"


def state_entry(load: str) -> str:
    return f"catalog/_dlt_pipeline_state/catalog__{load}__0a1b.jsonl"


@pytest.mark.parametrize("marker", [loads_entry, state_entry])
def test_a_package_counts_when_its_entry_or_its_state_is_there(tmp_path: Path, marker: Callable[[str], str]) -> None:
    put(tmp_path, f"catalog/spotify_tracks/{LOAD}.aa.parquet")
    put(tmp_path, f"catalog/spotify_tracks/{LOAD}1.bb.parquet")
    put(tmp_path, marker(LOAD))
    snapshot = take_snapshot(Folder(tmp_path))
    assert snapshot.paths("catalog__spotify_tracks") == [f"{tmp_path}/catalog/spotify_tracks/{LOAD}.aa.parquet"]


def test_an_empty_lake_is_an_empty_snapshot(tmp_path: Path) -> None:
    assert take_snapshot(Folder(tmp_path / "nothing")).files == {}


def test_sealing_writes_the_entry_that_a_kill_left_out(tmp_path: Path) -> None:
    put(tmp_path, f"catalog/spotify_tracks/{LOAD}.aa.parquet")
    put(tmp_path, state_entry(LOAD))
    seal(Folder(tmp_path), "catalog")
    (tmp_path / state_entry(LOAD)).unlink()  # dlt prunes old state files
    assert len(take_snapshot(Folder(tmp_path)).paths("catalog__spotify_tracks")) == 1
    entry = json.loads((tmp_path / loads_entry(LOAD)).read_text())
    assert (entry["load_id"], entry["status"]) == (LOAD, 0)


@given(committed=st.sets(st.integers(0, 9)), written=st.sets(st.integers(0, 9)))
def test_the_snapshot_is_exactly_what_is_written_and_committed(committed: set[int], written: set[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in committed:
            put(root, loads_entry(f"17953691{number}0.5"))
        for number in written:
            put(root, f"catalog/spotify_tracks/17953691{number}0.5.cc.parquet")
        found = take_snapshot(Folder(root)).files.get("catalog__spotify_tracks", ())
    assert [file.load_id for file in found] == [f"17953691{n}0.5" for n in sorted(committed & written)]


def test_the_digest_follows_the_file_list_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, f"catalog/spotify_tracks/{LOAD}.aa.parquet")
    before = take_snapshot(Folder(tmp_path)).digest
    put(tmp_path, "catalog/spotify_tracks/orphan.tmp")
    assert take_snapshot(Folder(tmp_path)).digest == before
    put(tmp_path, loads_entry(LOAD))
    assert take_snapshot(Folder(tmp_path)).digest != before


def test_a_load_follows_all_others_though_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path))
    settings = load()
    ahead = f"{time.time() + 86_400 * 400}"
    loads = []
    for name in ("A", "B", "C"):
        put(tmp_path, "curation/exclude.csv", f"kind,name\nartist,{name}\n".encode())
        state = tmp_path / "pipelines/curation/state.json"
        assert load_rules(lambda: pipeline_for(settings, "curation"), settings.curation, state) == 1
        loads.append(take_snapshot(Folder(tmp_path / "lake")).files["curation__rules"][-1].load_id)
        put(
            tmp_path / "lake", f"curation/_dlt_loads/curation__{ahead}.jsonl", b"{}"
        )  # by a machine whose clock is ahead
    assert float(loads[0]) < float(ahead) < float(loads[1]) < float(loads[2])
    assert sorted([*loads, ahead]) == [loads[0], ahead, *loads[1:]]  # files are sorted by their text
    assert "behind the lake's newest load package" in caplog.text
    assert not list((tmp_path / "pipelines").rglob("*.parquet"))  # no second copy stays


@pytest.mark.parametrize("torn", [None, b"PAR1 half of it"])
def test_a_file_comes_whole_into_a_folder_whatever_a_killed_run_left_there(tmp_path: Path, torn: bytes | None) -> None:
    put(tmp_path, "package/rows.parquet", b"PAR1 all of it PAR1")
    if torn:
        put(tmp_path, "lake/rows.parquet", torn)
    (tmp_path / "lake").mkdir(exist_ok=True)
    given, there = tmp_path / "package/rows.parquet", tmp_path / "lake/rows.parquet"
    for _again in range(2):
        LocalFiles().put_file(str(given), str(there))
        assert there.read_bytes() == given.read_bytes()
    assert there.samefile(given)
    given.unlink()
    assert there.read_bytes() == b"PAR1 all of it PAR1"
