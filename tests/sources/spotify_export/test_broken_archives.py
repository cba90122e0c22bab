"""Broken, hostile and wrong files: each costs one clear line, and every good file beside it still loads."""

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sources.spotify_export.load import import_paths
from sources.spotify_export.members import Limits
from sources.spotify_export.report import render

from .conftest import Lake
from .vintages import FOLDER, account, dump, extended_zip, several, stream, zipped

GOOD = f"{FOLDER}/Streaming_History_Audio_2019_1.json"
OTHER = f"{FOLDER}/Streaming_History_Audio_2020_2.json"


def cut_zip(folder: Path) -> Path:
    path = extended_zip(folder / "cut.zip")
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def flipped_zip(folder: Path) -> Path:
    path = zipped(folder / "flipped.zip", {GOOD: dump(several(stream, 40)), OTHER: dump(several(stream, 40, 50))})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(GOOD).header_offset + 30 + len(GOOD) + 200
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    return path


def encrypted_zip(folder: Path) -> Path:
    path = zipped(folder / "encrypted.zip", {GOOD: dump(several(stream, 5))})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def nested_zip(folder: Path) -> Path:
    inner = zipped(folder / "inner.zip", {GOOD: dump(several(stream, 5))})
    content = inner.read_bytes()
    inner.unlink()
    return zipped(folder / "nested.zip", {"inner.zip": content, "disguised.json": content})


def bomb_zip(folder: Path) -> Path:
    return zipped(folder / "bomb.zip", {GOOD: b"[" + b" " * (80 << 20) + b"]", OTHER: dump(several(stream, 5))})


def lying_zip(folder: Path) -> Path:
    """Its table of contents says 100 bytes, and the member unpacks to two million."""
    path = zipped(folder / "lying.zip", {GOOD: b" " * 2_000_000 + dump(several(stream, 5))})
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 24, 100)
    path.write_bytes(content)
    return path


def html_zip(folder: Path) -> Path:
    path = folder / "my_spotify_data.zip"
    path.write_bytes(b"<!doctype html><title>Log in</title>" * 50)
    return path


def file_of(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


ROWS = dump(several(stream, 20))
NO_ZIP = "it is no zip, or cut off: download it again."
DAMAGED = "it is damaged inside the archive: download the archive again."
ENCRYPTED = "it is encrypted: unpack the archive with its password and import the folder."
NESTED = "it is an archive inside an archive: unpack it and import it by itself."
UNKNOWN = "it is no listening history that is known here."
LATIN1 = "rejected 1 x bytes that are not UTF-8: is it Latin-1? Save it as UTF-8 and import it again."
TWO_NAMES = json.dumps([account(1), account(2) | {"artistName": "A"}], ensure_ascii=False)
CSV_LINES = b'uts,artist,album,track\n1600000000,A,B,C\n1600000000,A\n,A,B,C\n"1600000000,A,B,C\n0,A,B,C\n'

BROKEN: dict[str, tuple[Callable[[Path], Path], int, int, str]] = {
    # what it is: how to make it, rows that load, rows rejected, the line
    "a zip that is cut off": (cut_zip, 0, 0, f"cut.zip: {NO_ZIP}"),
    "a web page named like the export": (html_zip, 0, 0, f"my_spotify_data.zip: {NO_ZIP}"),
    "a zip with a damaged member": (
        flipped_zip,
        40,
        0,
        f"flipped.zip > {GOOD}: {DAMAGED}",
    ),
    "an encrypted zip": (
        encrypted_zip,
        0,
        0,
        f"encrypted.zip > {GOOD}: {ENCRYPTED}",
    ),
    "a zip in a zip": (
        nested_zip,
        0,
        0,
        f"nested.zip > inner.zip: {NESTED}",
    ),
    "a zip in a zip under another name": (
        nested_zip,
        0,
        0,
        f"nested.zip > disguised.json: {NESTED}",
    ),
    "a zip bomb": (bomb_zip, 5, 0, "83,886,082 bytes: that is a zip bomb."),
    "a zip that lies about its size": (lying_zip, 0, 0, DAMAGED),
    "a path that climbs out": (
        lambda folder: zipped(folder / "climb.zip", {"../../../tmp/endsong_0.json": ROWS}),
        20,
        0,
        "",
    ),
    "an empty file": (file_of("endsong_0.json", b""), 0, 0, "endsong_0.json: it is empty."),
    "JSON that is cut off": (
        file_of("endsong_0.json", ROWS[:-400]),
        19,
        1,
        "endsong_0.json: rejected 1 x cut off in the middle of a row.",
    ),
    "JSON with a broken row": (
        file_of("endsong_0.json", ROWS.replace(b'"shuffle": false', b'"shuffle": no', 1)),
        19,
        1,
        "endsong_0.json: rejected 1 x broken JSON.",
    ),
    "no JSON at all": (file_of("endsong_0.json", b"Dear customer,\n"), 0, 0, "endsong_0.json: it is broken JSON."),
    "JSON of something else": (
        file_of("settings.json", json.dumps({"editor": {"tab": 4}}).encode()),
        0,
        0,
        "settings.json: it is JSON, but no listening history.",
    ),
    "a list of something else": (
        file_of("people.json", json.dumps([{"name": "x"}]).encode()),
        0,
        0,
        "people.json: its rows are no listening history that is known here.",
    ),
    "an empty list of something": (file_of("list.json", b"[ ]"), 0, 0, "list.json: it is an empty list."),
    "a shopping list": (file_of("notes.txt", b"buy milk\n"), 0, 0, f"notes.txt: {UNKNOWN}"),
    "a picture": (file_of("cover.bin", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9), 0, 0, "cover.bin: it is no text file."),
    "UTF-8 with a byte order mark": (file_of("endsong_0.json", b"\xef\xbb\xbf" + ROWS), 20, 0, ""),
    "UTF-16": (file_of("endsong_0.json", ROWS.decode().encode("utf-16")), 20, 0, ""),
    "UTF-16 without its mark": (file_of("endsong_0.json", ROWS.decode().encode("utf-16-be")), 20, 0, ""),
    "UTF-16 that is cut off": (
        file_of("endsong_0.json", ROWS.decode().encode("utf-16")[:-401]),
        19,
        1,
        "endsong_0.json: rejected 1 x cut off in the middle of a row.",
    ),
    "Latin-1": (
        file_of("StreamingHistory0.json", TWO_NAMES.encode("latin-1")),
        1,
        1,
        f"StreamingHistory0.json: {LATIN1}",
    ),
    "a CSV with broken lines": (
        file_of("scrobbles.csv", CSV_LINES),
        1,
        4,
        "scrobbles.csv: rejected 1 x 2 fields where 4 belong",
    ),
    "one line of 20 MB": (
        file_of("listens.jsonl", b'{"listened_at": 1, "track_metadata": {"artist_name": "' + b"x" * (20 << 20)),
        0,
        0,
        "listens.jsonl: it is broken JSON, or no listening history.",
    ),
    "ten thousand brackets": (file_of("endsong_0.json", b"[" * 10_000), 0, 1, "endsong_0.json: rejected 1 x"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_costs_a_clear_line_and_good_files_still_load(what: str, lake: Lake, tmp_path: Path):
    make, loaded, rejected, line = BROKEN[what]
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    broken = make(inbox)
    good = zipped(inbox / "good.zip", {OTHER: dump(several(stream, 7, 900))})
    report = lake.take(broken, good)
    printed = "\n".join([render(report), *report.problems])
    assert line in printed
    assert bool(line) == any(each.problem or each.note for each in report.files)
    counts = report.counts
    assert (counts.rows - counts.rejected, counts.rejected) == (loaded + 7, rejected)
    assert sum(len(lake.rows(table)) for table in ("streams", "account_streams", "lastfm_scrobbles")) == loaded + 7
    unreadable = len(report.problems)
    told = [(rejected, rejected + unreadable)]
    assert lake.rows("rejects", "count(row_number), count(*)") == (told if rejected + unreadable else [])
    assert lake.rows("files", "sum(row_count)::bigint") == [(loaded + 7 + rejected,)]
    assert "Traceback" not in printed


def test_a_broken_file_is_told_again_but_loaded_once(lake: Lake, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("buy milk")
    first, second = lake.take(tmp_path / "notes.txt"), lake.take(tmp_path / "notes.txt", known=())
    assert first.problems == second.problems
    assert (len(first.new_problems), len(second.new_problems)) == (1, 0)
    assert len(lake.rows("rejects")) == 1


def test_an_archive_of_too_much_is_refused_as_a_whole(tmp_path: Path):
    many = zipped(tmp_path / "many.zip", {f"{at}.json": b"[]" for at in range(6)})
    for limits in (Limits(members=5), Limits(archive_bytes=10)):
        (report,) = import_paths(None, [many], limits=limits).files
        assert "zip bomb" in report.problem


def test_nothing_is_ever_unpacked_to_disk(tmp_path: Path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    zipped(folder / "climb.zip", {"../climbed.json": ROWS, "/tmp/export_climbed.json": dump(several(stream, 3))})  # noqa: S108
    report = import_paths(None, [folder / "climb.zip"])
    assert report.counts.rows == 23
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["a", "b", "climb.zip"]
    assert not Path("/tmp/export_climbed.json").exists()  # noqa: S108


def test_hidden_files_and_half_downloads_are_left_alone(tmp_path: Path):
    inbox = tmp_path / "inbox"
    (inbox / "__MACOSX").mkdir(parents=True)
    for name in (".DS_Store", "data.zip.crdownload", "__MACOSX/._endsong_0.json"):
        (inbox / name).write_bytes(b"x")
    shutil.copy(extended_zip(tmp_path / "x.zip"), inbox / "x.zip")
    assert {each.archive for each in import_paths(None, [inbox]).files} == {"x.zip"}
