"""Nothing personal of an export is found behind the reader: not in the lake, not in dlt's folder, not in a log."""

import gzip
import io
import json
import logging
import zlib
from pathlib import Path

import duckdb
import pytest

from sources.spotify_export.privacy import clean_name, platform_family, shown
from sources.spotify_export.report import render

from .conftest import Lake
from .vintages import (
    PERSONAL,
    PLANTED_COUNTRY,
    PLANTED_PLATFORM,
    account,
    dump,
    endsong,
    extended_zip,
    listen,
    several,
    stream,
    zipped,
)

PLANTED = (*PERSONAL.values(), PLANTED_PLATFORM, "SM-PLANTED", "PLANTED-SI", "planted@example.com")


def personal_archive(path: Path) -> Path:
    wrong = [
        endsong(1, ts="never"),
        endsong(2, ms_played=None, username=PERSONAL["username"]),
        stream(3, episode_name={"ip": PERSONAL["ip_addr"], "deep": [PERSONAL["city"]]}),
        stream(
            4,
            reason_end=f"seen from {PERSONAL['ip_addr']} {PERSONAL['ip_addr_decrypted']} planted@example.com",
            ts=None,
        ),
        PERSONAL["user_agent_decrypted"],
        [PERSONAL["home_phone"]],
    ]
    lastfm = {
        "username": PERSONAL["username"],
        "scrobbles": [{"track": "T", "artist": "A", "album": "B", "date": 16e11}],
    }
    broken = dump(several(endsong, 5)).replace(b'"shuffle": false', b'"shuffle": planted@example.com', 2)
    return zipped(
        path,
        {
            "endsong_0.json": dump([*several(endsong, 30), *wrong]),
            "Streaming_History_Audio_2024_0.json": dump(several(stream, 30)),
            "endsong_1.json": broken,
            f"lastfmstats-{PERSONAL['username']}.json": json.dumps(lastfm).encode(),
            f"listenbrainz_{PERSONAL['username']}_1600000000.jsonl": json.dumps(
                listen(1, email="planted@example.com")
            ).encode(),
            "StreamingHistory0.json": dump([account(1) | PERSONAL]),
            "Userdata.json": json.dumps(PERSONAL).encode(),
            "planted@example.com.txt": b"planted@example.com " + PERSONAL["username"].encode(),
        },
    )


def every_byte(root: Path) -> dict[Path, bytes]:
    """All files as they are, and what is packed in them unpacked."""
    found = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    for path, content in list(found.items()):
        if path.suffix == ".parquet":
            rows = duckdb.execute("select * from read_parquet($path)", {"path": str(path)}).fetchall()
            found[path / "values"] = repr(rows).encode()
        elif content[:2] == b"\x1f\x8b":
            found[path / "unpacked"] = gzip.decompress(content)
        elif content[:1] == b"x":
            found[path / "unpacked"] = zlib.decompress(content)
    return found


def test_no_planted_text_is_in_any_byte_that_is_written(lake: Lake, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    source = personal_archive(tmp_path / "my_spotify_data.zip")
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    with caplog.at_level(logging.DEBUG):
        report = lake.take(source, memory=tmp_path / "memory.json")
    logging.getLogger().removeHandler(handler)
    source.unlink()
    assert (report.counts.rows, report.counts.rejected) == (74, 8)
    written = every_byte(tmp_path)
    written[Path("log")] = (lines.getvalue() + caplog.text).encode()
    written[Path("report")] = "\n".join([render(report), *report.problems]).encode()
    leaks = [(str(path), text) for path, content in written.items() for text in PLANTED if text.encode() in content]
    assert leaks == []
    assert any(b"Artist 3" in content for content in written.values())
    assert len([path for path in written if path.name == "values"]) >= 5


def test_the_search_would_find_planted_text(lake: Lake, tmp_path: Path):
    lake.take(extended_zip(tmp_path / "a.zip"), keep_place=True)
    (tmp_path / "a.zip").unlink()
    assert any(PLANTED_PLATFORM.encode() in content for content in every_byte(tmp_path / "lake").values())
    assert lake.rows("streams", "distinct conn_country") == [(PLANTED_COUNTRY,)]


def test_the_country_is_nowhere_unless_it_is_kept(lake: Lake, tmp_path: Path):
    lake.take(extended_zip(tmp_path / "a.zip"))
    assert lake.rows("streams", "distinct conn_country, platform") == [(None, "android")]


@pytest.mark.parametrize(
    ("platform", "family"),
    [
        ("Android OS 11 API 30 (samsung, SM-G975F)", "android"),
        ("android", "android"),
        ("Android-tablet OS 7.0 API 24 (samsung, SM-T580)", "android"),
        ("iOS 17.3 (iPhone14,5)", "ios"),
        ("ios", "ios"),
        ("Windows 10 (10.0.19045; x64)", "windows"),
        ("windows", "windows"),
        ("OS X 10.15.7 [x86 8]", "macos"),
        ("osx", "macos"),
        ("Linux [x86-64 0]", "linux"),
        ("WebPlayer (websocket RFC6455)", "web"),
        ("web_player windows 10;chrome 87.0.4280.88;desktop", "web"),
        ("Partner android_tv Sony;BRAVIA_UR2;;tpapi", "tv"),
        ("Partner webos_tv LGE;OLED", "tv"),
        ("Partner sony_tv Sony;ps4;;", "tv"),
        ("Partner google cast;Chromecast;;", "tv"),
        ("Partner sonos_ppc Sonos;PLAY1", "speaker"),
        ("Partner amazon_salmon Amazon;Echo_Dot;;tpapi", "speaker"),
        ("Partner google home", "speaker"),
        ("Android Auto", "car"),
        ("not_applicable", "other"),
        ("", "other"),
        (None, None),
    ],
)
def test_a_platform_is_reduced_to_its_family(platform: str | None, family: str | None):
    assert platform_family(platform) == family


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("my_spotify_data.zip", "my_spotify_data.zip"),
        ("my_spotify_data (1).zip", "my_spotify_data (1).zip"),
        ("my_spotify_data_jane.zip", "my_spotify_data_user.zip"),
        ("Streaming_History_Audio_2019-2021_1.json", "Streaming_History_Audio_2019-2021_1.json"),
        ("folder/lastfmstats-jane.csv", "folder/lastfmstats-user.csv"),
        ("recenttracks-jane-1749774900.json", "recenttracks-user-1749774900.json"),
        ("listenbrainz_jane_1700000000.zip", "listenbrainz_user_1700000000.zip"),
        ("jane@example.com.zip", "(removed)"),
        ("a\x1b[2Jb.json", "a?[2Jb.json"),
        ("..\\..\\x.json", "../../x.json"),
    ],
)
def test_a_name_is_cleaned_of_people(name: str, cleaned: str):
    assert clean_name(name) == cleaned


def test_a_wrong_row_is_shown_without_addresses_and_at_bounded_length():
    raw = shown(
        {"ts": "192.0.2.7 fe80::1:2:3 me@example.com", "x": 1, "reason_end": "y" * 9000},
        ("ts", "reason_end"),
        keep_place=False,
    )
    assert "192.0.2" not in raw
    assert "fe80" not in raw
    assert "@" not in raw
    assert len(raw) == 1000
    times = '{"ts": "2021-02-12T06:14:19Z"}'
    assert shown({"ts": "2021-02-12T06:14:19Z"}, ("ts",), keep_place=False) == times
