"""Whatever a file, an answer or a setting holds: a result or a Problem, no other exception, no partial load, no hang."""

import contextlib
import io
import json
import os
import sqlite3
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.commands import duration
from pipelines.settings import Settings, load
from sources.catalog.kaggle import import_catalog
from sources.curation.rules import LAYOUTS, read_rules
from sources.problem import Problem, UsageProblem
from sources.spotify_api.answers import judge
from sources.spotify_api.memory import Memory
from sources.spotify_api.polls import poll_event
from sources.spotify_export.load import import_paths

QUICK = settings(max_examples=60, deadline=5_000, suppress_health_check=list(HealthCheck))
SETTINGS = (
    *("LAKEHOUSE__TIMEZONE", "LAKEHOUSE__WEEK_START", "LAKEHOUSE__MIN_PLAY_SECONDS", "LAKEHOUSE__MIN_PLAY_SHARE"),
    *(
        "LAKEHOUSE__SESSION_GAP_MINUTES",
        "LAKEHOUSE__LOCK_WAIT",
        "LAKEHOUSE__CURATION",
        "SANDBOX__SEED",
        "SANDBOX__TRACKS",
        "SANDBOX__HABITS",
    ),
    *("SOURCES__CATALOG__CREDENTIALS", "SOURCES__CATALOG__SPOTIFY_TRACKS__STRATEGY", "DESTINATION__LAKE__BUCKET_URL"),
    *("SOURCES__CATALOG__SPOTIFY_TRACKS__ALLOW_SHRINK", "SOURCES__SPOTIFY_API__DAILY_BUDGET"),
    *("SOURCES__SPOTIFY_EXPORT__KEEP_PLACE", "DESTINATION__WAREHOUSE__CREDENTIALS"),
)
VALUES = st.one_of(
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=30),
    st.sampled_from(
        ["", "-1", "1e999", "nan", "[]", "{}", "'", "null", "true", "../..", "sqlite://", "s3://", "9" * 40]
    ),
)
KEYS = ("items", "played_at", "track", "uri", "id", "name", "artists", "album", "ts", "ms_played", "error", "x")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@QUICK
@given(st.sampled_from(SETTINGS), VALUES)
def test_any_value_of_a_setting_is_taken_or_refused_by_name(name: str, value: str) -> None:
    with mock.patch.dict(os.environ, {name: value}):
        try:
            found: object = load()
        except UsageProblem as problem:
            found = str(problem)
    assert isinstance(found, Settings) or name in str(found)


@QUICK
@given(st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{1,14}[smhd]", fullmatch=True)))
def test_any_length_of_time_is_one_or_a_usage_problem(text: str) -> None:
    with contextlib.suppress(UsageProblem):
        assert duration(text).total_seconds() > 0


@QUICK
@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.one_of(st.binary(max_size=200), st.text("kindameo_t,\"'\n\r;artist0é\0", max_size=200).map(str.encode)),
)
def test_any_file_of_rules_is_rules_valid_or_not(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        for rule in read_rules(Path(folder)):
            assert rule.file == name
            assert isinstance(json.loads(rule.fields), dict)


@QUICK
@given(st.integers(100, 599), st.one_of(st.binary(max_size=100), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_answer_of_the_api_is_one_poll_row(status: int, body: bytes) -> None:
    event = poll_event(judge(status, {}, body), Memory(), datetime(2026, 3, 1, tzinfo=UTC))
    assert len(json.loads(event["row"]["item_keys"])) == len(event["plays"])
    json.dumps(event).encode()


@QUICK
@given(st.one_of(JSON, st.lists(st.fixed_dictionaries({"ts": JSON, "ms_played": JSON}), max_size=4)), st.data())
def test_any_archive_is_a_report_with_every_row_counted(content: object, data: st.DataObject) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Streaming_History_Audio_2024_0.json", json.dumps(content))
    spoiled = bytearray(packed.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(spoiled) - 1), max_size=3)):
        spoiled[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my_spotify_data.zip"
        path.write_bytes(spoiled[: data.draw(st.integers(0, len(spoiled)))] or b"x")
        report = import_paths(None, [path])
    for file in report.files:
        assert file.problem or file.is_companion or file.is_known or file.counts.rows >= file.counts.rejected


TRACKS = "track_id,name,duration_ms,popularity,tempo\na,Ä,1000.0,5,120.5\nb,B,2000.0,6,99\n"


@settings(max_examples=25, deadline=10_000, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, len(TRACKS)), st.binary(min_size=1, max_size=4)), max_size=5))
def test_any_catalog_file_is_loaded_and_rejected_rows_that_add_up_or_a_problem(
    insertions: list[tuple[int, bytes]],
) -> None:
    content = bytearray(TRACKS.encode())
    for place, text in insertions:
        content[place:place] = text
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spotify_tracks.csv").write_bytes(content)
        try:
            report = import_catalog(f"sqlite:///{folder}/catalog.sqlite", Path(folder))
        except Problem:
            return
        (tracks,) = [file for file in report.files if file.file == "spotify_tracks.csv"]
        assert tracks.rows == tracks.loaded + tracks.rejected
        with sqlite3.connect(Path(folder) / "catalog.sqlite") as catalog:
            held = catalog.execute("select count(*) from spotify_tracks").fetchone()[0]
            rejected = catalog.execute("select count(*) from import_rejects").fetchone()[0]
        assert (held, rejected) == (tracks.loaded, tracks.rejected)


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"items": ' * 50_000, b"\xff" * 100_000])
def test_depth_and_noise_end(content: bytes) -> None:
    poll_event(judge(200, {}, content), Memory(), datetime(2026, 3, 1, tzinfo=UTC))
