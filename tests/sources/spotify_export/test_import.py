"""Exports of every vintage reach bronze, add up, and are there once however often they are imported."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.problem import Problem, UsageProblem
from sources.spotify_export import members
from sources.spotify_export.load import import_paths
from sources.spotify_export.members import Archives
from sources.spotify_export.report import Counts, FileReport, ImportReport, render
from sources.spotify_export.tables import TABLES

from .conftest import Lake
from .vintages import account, dump, endsong, extended_zip, listen, several, stream, zipped

STREAM_TABLES = ("streams", "account_streams", "lastfm_scrobbles", "listenbrainz_listens")


def test_a_zip_as_spotify_sends_it_reaches_bronze(lake: Lake, tmp_path: Path):
    report = lake.take(extended_zip(tmp_path / "my_spotify_data.zip"))
    assert report.counts == Counts(rows=73, music=60, podcasts=5, audiobooks=3, video=4, incognito=1)
    assert not report.problems
    assert len(lake.rows("streams")) == 73
    assert lake.rows("files", "feed, kind, row_count") == [("extended", "audio", 69), ("extended", "video", 4)]
    assert len(report.load_ids) == 1


def test_bronze_has_exactly_the_declared_columns_and_types(lake: Lake, tmp_path: Path):
    lake.take(*every_vintage(tmp_path))
    for table in TABLES:
        shape = lake.rows(f"{table.name}", "distinct typeof(columns(*))")[0]
        names = dict(zip((*table.columns, "_dlt_load_id"), shape, strict=True))
        told = {name: kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for name, kind in names.items()}
        assert told == {**table.columns, "_dlt_load_id": "VARCHAR"} or any(kind == '"NULL"' for kind in told.values())


def every_vintage(folder: Path) -> list[Path]:
    files = {
        "endsong_0.json": dump(several(endsong, 20), None),
        "endvideo.json": dump(several(endsong, 3, 50)),
        "Streaming_History_Audio_2019-2020_1.json": dump(several(stream, 30, 100)),
        "Streaming_History_Video_2019-2024.json": dump(several(stream, 2, 200)),
        "StreamingHistory0.json": dump(several(account, 10)),
        "StreamingHistory_music_0.json": dump(several(account, 5, 10)),
        "StreamingHistory_podcast_0.json": dump([podcast_row(number) for number in range(4)]),
        "lastfm.csv": "Björk,Post,Army of Me,22 Mar 2021 16:55\nBjörk,,Hyperballad,22 Mar 2021 16:51\n,,,\n".encode(),
        "listens.jsonl": b"\n".join(json.dumps(listen(number)).encode() for number in range(6)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def podcast_row(number: int) -> dict[str, object]:
    return {"endTime": f"2021-11-21 03:0{number}", "podcastName": "P", "episodeName": "E", "msPlayed": 1}


def test_every_vintage_is_told_by_its_content(lake: Lake, tmp_path: Path):
    for at, path in enumerate(every_vintage(tmp_path)):
        if "ideo" not in path.name:
            path.rename(tmp_path / f"renamed_{at}.txt")
    report = lake.take(*sorted(tmp_path.glob("*.*")))
    assert sorted((each.feed, each.counts.rows) for each in report.files) == sorted(
        [
            *(("extended", rows) for rows in (20, 3, 30, 2)),
            *(("account", rows) for rows in (10, 5, 4)),
            ("lastfm", 3),
            ("listenbrainz", 6),
        ]
    )
    assert lake.rows("files", "count(*) filter (kind = 'podcast')") == [(1,)]
    assert lake.rows("rejects", "row_number, reason") == [(3, "no listened_at")]


def test_unknown_flags_and_times_arrive_as_they_came(lake: Lake, tmp_path: Path):
    path = tmp_path / "endsong_0.json"
    path.write_bytes(dump(several(endsong, 3)))
    lake.take(path)
    assert lake.rows("streams", "row_number, skipped, offline_timestamp, incognito_mode, audiobook_uri") == [
        (1, None, 1572964071330, False, None),
        (2, None, 0, None, None),
        (3, None, None, False, None),
    ]


def test_the_same_file_is_loaded_once_whatever_its_name(lake: Lake, tmp_path: Path):
    first = lake.take(extended_zip(tmp_path / "a.zip"))
    (tmp_path / "again").mkdir()
    extended_zip(tmp_path / "again" / "b.zip")
    second = lake.take(tmp_path / "again", tmp_path / "a.zip")
    assert first.new_files == 2
    assert (second.new_files, second.counts.rows, second.load_ids) == (0, 0, ())
    assert len(lake.rows("streams")) == 73
    assert "0 new files loaded, 4 known already" in render(second)


def test_the_same_file_twice_in_one_import_is_loaded_once(lake: Lake, tmp_path: Path):
    for name in ("endsong_0.json", "endsong_0 (1).json"):
        (tmp_path / name).write_bytes(dump(several(endsong, 5)))
    report = lake.take(*sorted(tmp_path.glob("*.json")))
    assert [each.is_known for each in report.files] == [False, True]
    assert len(lake.rows("streams")) == 5


def test_archives_of_one_name_in_different_folders_are_different_archives(lake: Lake, tmp_path: Path):
    for at, year in enumerate(("2022", "2025")):
        (tmp_path / "inbox" / year).mkdir(parents=True)
        zipped(tmp_path / "inbox" / year / "my_spotify_data.zip", {"endsong_0.json": dump(several(stream, 5, 10 * at))})
    report = lake.take(tmp_path / "inbox")
    assert [each.archive for each in report.files] == ["2022/my_spotify_data.zip", "2025/my_spotify_data.zip"]
    assert lake.rows("files", "archive") == [("2022/my_spotify_data.zip",), ("2025/my_spotify_data.zip",)]


def test_a_newer_export_that_overlaps_brings_all_its_own_rows(lake: Lake, tmp_path: Path):
    older, newer = (tmp_path / name for name in ("older.zip", "newer.zip"))
    zipped(older, {"endsong_0.json": dump(several(stream, 20)), "endsong_1.json": dump(several(stream, 20, 20))})
    zipped(newer, {"endsong_0.json": dump(several(stream, 20)), "endsong_1.json": dump(several(stream, 30, 20))})
    lake.take(older)
    report = lake.take(newer)
    assert [(each.is_known, each.counts.rows) for each in report.files] == [(True, 0), (False, 30)]
    assert len(lake.rows("streams")) == 70
    assert len(lake.rows("streams", "distinct ts")) == 50


def test_order_of_files_does_not_matter(tmp_path: Path):
    paths = every_vintage(tmp_path)
    contents = []
    for name, order in (("forward", paths), ("backward", paths[::-1])):
        lake = Lake(tmp_path / name)
        for path in order:
            lake.take(path)
        contents.append({table: lake.rows(table, "* exclude (_dlt_load_id)") for table in (*STREAM_TABLES, "rejects")})
    assert contents[0] == contents[1]


def test_a_dry_run_reports_all_and_loads_nothing(tmp_path: Path):
    report = import_paths(None, [extended_zip(tmp_path / "a.zip")])
    assert report.counts.rows == 73
    assert "2 new files would be loaded (dry run: nothing was)" in render(report)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_what_does_not_exist_is_a_usage_problem(tmp_path: Path):
    with pytest.raises(UsageProblem, match="nothing to import"):
        import_paths(None, [tmp_path / "nowhere.zip"])


def test_a_quiet_look_into_the_inbox_opens_no_file(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    extended_zip(inbox / "a.zip")
    (inbox / "notes.txt").write_text("buy milk")
    memory = tmp_path / "seen.json"
    first = lake.take(inbox, memory=memory)
    known = lake.file_ids()
    monkeypatch.setattr(members, "_is_zip", None)
    monkeypatch.setattr(Archives, "digest", None)
    again = import_paths(None, [inbox], known, memory=memory)
    assert again.problems == first.problems
    assert [each.is_known for each in again.files] == [True, True, False, True]


def test_a_changed_file_in_the_inbox_is_read_again(lake: Lake, tmp_path: Path):
    path, memory = tmp_path / "inbox" / "endsong_0.json", tmp_path / "seen.json"
    path.parent.mkdir()
    path.write_bytes(dump(several(stream, 5)))
    lake.take(path.parent, memory=memory)
    path.write_bytes(dump(several(stream, 8)))
    assert lake.take(path.parent, memory=memory).counts.rows == 8
    memory.write_text("{ broken")
    assert lake.take(path.parent, memory=memory).counts.rows == 0


def test_a_remembered_file_that_the_lake_lost_is_loaded_again(tmp_path: Path):
    path, memory = tmp_path / "endsong_0.json", tmp_path / "seen.json"
    path.write_bytes(dump(several(stream, 5)))
    Lake(tmp_path / "old").take(path, memory=memory)
    fresh = Lake(tmp_path / "fresh")
    assert fresh.take(path, memory=memory).counts.rows == 5
    assert len(fresh.rows("streams")) == 5


def test_a_file_that_grows_while_it_is_read_is_read_again(lake: Lake, tmp_path: Path):
    path, memory = tmp_path / "endsong_0.json", tmp_path / "seen.json"
    path.write_bytes(dump(several(stream, 5)))
    grown = dump(several(stream, 9))
    lake.take(path, memory=memory, progress=lambda *_: path.write_bytes(grown) and None)
    assert lake.take(path, memory=memory).counts.rows == 9


def test_a_file_that_vanishes_or_cannot_be_opened_costs_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = Path.open

    def denied(self: Path, *args: object, **options: object) -> object:
        if self.name == "endsong_0.json":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    for at in range(2):
        (tmp_path / f"endsong_{at}.json").write_bytes(dump(several(stream, 5, at)))
    vanishing = import_paths(None, [tmp_path], progress=lambda *_: (tmp_path / "endsong_1.json").unlink(True))
    assert vanishing.counts.rows == 5
    assert [problem.rpartition(": ")[2] for problem in vanishing.problems] == [
        "it cannot be read (No such file or directory)."
    ]
    monkeypatch.setattr(Path, "open", denied)
    report = import_paths(None, [tmp_path / "endsong_0.json"])
    assert report.problems == ("endsong_0.json: it cannot be read (Permission denied).",)


def failing(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Lets a file be hashed, and fail in the middle of the next readings."""
    real = members._file_blocks
    opened: list[Path] = []

    def blocks(path: Path, size: int) -> Iterator[bytes]:
        opened.extend([path] if path.name == name else [])
        content = b"".join(real(path, size))
        yield content[:4000]
        if path.name == name and 2 <= opened.count(path) < 2 + times:
            raise OSError(5, "Input/output error")
        yield content[4000:]

    monkeypatch.setattr(members, "_file_blocks", blocks)


def test_a_file_that_fails_while_it_is_read_counts_as_a_whole_or_not_at_all(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    inbox, memory = tmp_path / "inbox", tmp_path / "seen.json"
    inbox.mkdir()
    for at in range(3):
        (inbox / f"endsong_{at}.json").write_bytes(dump(several(stream, 50, 50 * at)))
    failing(monkeypatch, "endsong_1.json", times=1)
    with pytest.raises(Problem, match=r"stopped at inbox > endsong_1.json, .*Input/output error.*Nothing of this load"):
        lake.take(inbox, memory=memory)
    assert lake.rows("files") == lake.rows("streams") == []
    report = lake.take(inbox, memory=memory)
    assert not report.problems
    assert [each.counts.rows for each in report.files] == [50, 50, 50]
    assert len(lake.rows("streams", "distinct file_id, row_number")) == len(lake.rows("streams")) == 150
    assert lake.rows("rejects") == []


def test_a_dry_run_tells_of_a_file_that_fails_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for at in range(2):
        (tmp_path / f"endsong_{at}.json").write_bytes(dump(several(stream, 50, 50 * at)))
    failing(monkeypatch, "endsong_0.json", times=1)
    report = import_paths(None, [tmp_path])
    assert report.counts.rows == 50
    assert [problem.rpartition(": ")[2] for problem in report.problems] == ["it cannot be read (Input/output error)."]


def test_progress_ends_at_the_whole(tmp_path: Path):
    calls: list[tuple[int, int, str]] = []
    import_paths(None, [extended_zip(tmp_path / "a.zip")], progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1] > 0


ROW = st.fixed_dictionaries(
    {},
    optional={
        "ts": st.sampled_from(["2020-01-01T00:00:00Z", "2020-02-30T00:00:00Z", 5, None, "x"]),
        "ms_played": st.integers(-5, 10**6) | st.floats() | st.text(max_size=3) | st.none(),
        "master_metadata_track_name": st.text(max_size=5) | st.integers(),
        "incognito_mode": st.booleans() | st.none() | st.text(max_size=2),
        "ip_addr": st.just("203.0.113.77"),
    },
)
GARBAGE = ROW | st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(GARBAGE, min_size=1, max_size=20), st.sampled_from([None, 0, 2]), st.integers(0, 400))
def test_rows_in_the_file_are_rows_and_rejects(tmp_path: Path, rows: list[object], indent: int | None, cut: int):
    path = tmp_path / "Streaming_History_Audio_2020_0.json"
    content = json.dumps(rows, indent=indent).encode()
    path.write_bytes(content)
    (whole,) = import_paths(None, [path]).files
    assert whole.counts.rows == len(rows)
    assert whole.counts.rows == sum(getattr(whole.counts, name) for name in PARTS)
    path.write_bytes(content[: max(1, len(content) - cut)])
    (torn,) = import_paths(None, [path]).files
    assert torn.counts.rows == sum(getattr(torn.counts, name) for name in PARTS) > 0


PARTS = ("music", "podcasts", "audiobooks", "video", "incognito", "rejected")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(GARBAGE, min_size=1, max_size=20))
def test_bronze_holds_a_row_for_every_row_of_the_file(tmp_path_factory: pytest.TempPathFactory, rows: list[object]):
    folder = tmp_path_factory.mktemp("garbage")
    lake = Lake(folder)
    (folder / "endsong_0.json").write_text(json.dumps(rows))
    lake.take(folder / "endsong_0.json")
    numbers = [number for table in ("streams", "rejects") for (number,) in lake.rows(table, "row_number")]
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    assert lake.rows("files", "row_count") == [(len(rows),)]


def test_a_quiet_look_needs_no_arrow(tmp_path: Path):
    path, memory = tmp_path / "notes.txt", tmp_path / "seen.json"
    path.write_text("buy milk")
    report = Lake(tmp_path).take(path, memory=memory)
    program = (
        "import sys; from pathlib import Path; from sources.spotify_export.load import import_paths;"
        f"import_paths(None, [Path({str(path)!r})], {{{report.files[0].file_id!r}}}, memory=Path({str(memory)!r}));"
        "assert 'pyarrow' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])


def test_reasons_that_are_left_out_are_counted_and_the_place_of_all_is_named():
    note = ", ".join(f"{count} x reason {count}" for count in (1000, 9, 8, 7, 6)).replace("1000", "1,000")
    counts = Counts(rows=1041, music=1, podcasts=1, rejected=1039)
    file = FileReport("a.zip", "endsong_0.json", counts=counts, note=note)
    told = render(ImportReport((file,)))
    assert "6 x reason 6; 9 more for other reasons." in told
    assert "bronze.spotify_export__rejects" in told
    assert "1 music + 1 podcast + 0 audiobooks" in told
    assert "bronze" not in render(ImportReport((file,), is_dry_run=True))
    whole = replace(file, counts=replace(counts, rejected=1030))
    assert "more" not in render(ImportReport((whole,)))


def test_problems_are_no_part_of_the_result():
    assert "broken" not in render(ImportReport((FileReport("a.zip", "b.json", problem="it is broken"),)))
