"""`--every` keeps running, whatever is away for a while."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from pipelines.flow import run
from pipelines.settings import load
from tests.environment import Environment

AWAY = {
    "DESTINATION__LAKE__BUCKET_URL": "s3://there/lake",
    "DESTINATION__LAKE__CREDENTIALS__ENDPOINT_URL": "http://127.0.0.1:9",
    "DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID": "key",
    "DESTINATION__LAKE__CREDENTIALS__AWS_SECRET_ACCESS_KEY": "word",
}
"""A lake in a bucket whose server is not there."""


@contextmanager
def running(environment: Environment) -> Iterator[Iterator[str]]:
    """What a process that keeps running says, message by message; a signal ends it well."""
    process = environment.start("--every", "1s")
    try:
        assert process.stderr is not None
        yield (json.loads(line)["message"] for line in process.stderr if line.startswith("{"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_lake_that_is_away_fails_a_tick_and_not_the_loop_and_alerts(tmp_path: Path) -> None:
    kept = tmp_path / "alerts"
    with running(Environment(tmp_path / "data", {**AWAY, "LAKEHOUSE__ALERT_COMMAND": f"tee -a {kept}"})) as said:
        told = [next(said) for _ in range(4)]
    assert [told[1], told[3]] == ["failed", told[0]]
    assert "s3://there/lake does not answer" in told[0]
    assert "s3://there/lake does not answer" in kept.read_text()
    runs = (tmp_path / "data" / "warehouse.duckdb.ops" / "pipeline_runs.jsonl").read_text().splitlines()
    assert {json.loads(line)["state"] for line in runs} == {"failed"}


def test_what_nobody_foresaw_fails_a_tick_and_not_the_loop_and_alerts(tmp_path: Path) -> None:
    kept, blocked = tmp_path / "alerts", tmp_path / "data" / "build"
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder belongs")
    with running(Environment(tmp_path / "data", {"LAKEHOUSE__ALERT_COMMAND": f"tee -a {kept}"})) as said:
        first = islice(said, 40)
        assert f"{blocked}: File exists. Mend it, or set LAKEHOUSE__DATA_DIR to another folder." in first
        assert next(said) == "failed"
        assert next(said).startswith("next run in")
    assert str(blocked) in kept.read_text()


def test_a_journal_that_cannot_be_read_does_not_end_the_loop(tmp_path: Path) -> None:
    (tmp_path / "data" / "listener" / "spotify_api.jsonl").mkdir(parents=True)
    with running(Environment(tmp_path / "data", AWAY)) as said:
        told = [next(said) for _ in range(5)]
    assert told[2].startswith("the interval stays as it was asked for")
    assert told[3].startswith("next run in")


@pytest.mark.long
def test_a_signal_in_the_middle_of_a_load_lets_the_run_in_hand_finish(tmp_path: Path) -> None:
    process = Environment(tmp_path / "data", {"SANDBOX__TRACKS": "300"}).start("--every", "1s")
    assert process.stderr is not None
    try:
        assert any("the sandbox made a world" in line for line in islice(process.stderr, 20))
        loading = tmp_path / "data" / "pipelines" / "catalog" / "load" / "normalized"
        until = time.monotonic() + 30
        while not (loading.is_dir() and any(loading.iterdir())):
            assert time.monotonic() < until, "no package was seen on its way"
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    messages = [json.loads(line)["message"] for line in said.splitlines()]
    assert process.returncode == 0
    assert messages[-1] == "stopped by a signal; the run in hand was finished"
    assert "published" in messages


def test_the_flow_raises_nothing_for_a_lake_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**AWAY, "LAKEHOUSE__DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    ended = run(load())
    assert (ended.state, ended.exit_code) == ("failed", 1)
