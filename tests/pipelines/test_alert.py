"""Alerts reach whoever wants them and never change how a run ended."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipelines.alert import alert
from pipelines.settings import load
from sources.problem import RedAudit, problem_of


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    heard: list[dict[str, object]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()


def test_a_red_audit_reaches_the_command_and_the_webhook(
    tmp_path: Path, hook: tuple[str, list[dict[str, object]]]
) -> None:
    url, heard = hook
    kept = tmp_path / "alert.json"
    settings = replace(load(), alert_command=f"tee {kept}", alert_url=url)
    alert(settings, "r1", "red", [RedAudit("a test failed")])
    assert json.loads(kept.read_text()) == heard[0]
    assert (heard[0]["state"], heard[0]["problems"]) == ("red", ["a test failed"])


def test_the_text_of_what_nobody_foresaw_stays_on_this_machine(tmp_path: Path) -> None:
    kept = tmp_path / "alert.json"
    settings = replace(load(), alert_command=f"tee {kept}")
    unforeseen = problem_of(ValueError("https://there/?token=planted"), "spotify_api failed: ")
    alert(settings, "r1", "failed", [unforeseen, RedAudit("a test failed")])
    assert json.loads(kept.read_text())["problems"] == [
        "Something that nobody foresaw; the log has it.",
        "a test failed",
    ]
    assert "planted" in str(unforeseen)


def test_a_good_run_says_nothing_and_a_broken_hook_harms_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "alert.json"
    settings = replace(load(), alert_command=f"tee {kept}", alert_url="http://127.0.0.1:9/")
    alert(settings, "r1", "published", [])
    assert not kept.exists()
    alert(replace(settings, alert_command="no-such-command"), "r1", "red", [RedAudit("x")])
