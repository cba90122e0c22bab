"""No secret leaves the token file: not into logs, traces, load packages, the journal or the lake."""

import base64
import gzip
import json
import logging
import re
import zlib
from pathlib import Path

import pytest
import requests

from sources.spotify_api.login import ask, complete


def searchable(path: Path) -> bytes:
    """The bytes of a file, and what its packed parts unpack to."""
    raw = path.read_bytes()
    found = [raw]
    if raw[:2] == b"\x1f\x8b":
        found.append(gzip.decompress(raw))
    for word in re.findall(rb"[A-Za-z0-9+/=]{40,}", found[-1]):
        try:
            found.append(zlib.decompress(base64.b64decode(word)))
        except (ValueError, zlib.error):
            continue
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found.append(json.dumps(pq.read_table(path).to_pylist(), default=str).encode())
    return b"\n".join(found)


@pytest.fixture
def everything_logged(tmp_path):
    file = tmp_path / "everything.log"
    handler = logging.FileHandler(file)
    root = logging.getLogger()
    loggers = [logging.getLogger(name) for name in ("", "dlt", "spotipy.client", "urllib3", "requests", "lakehouse")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield file
    root.removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_no_secret_is_found_anywhere_but_in_the_token_file(place, tmp_path, everything_logged, capfd):
    accounts = place.server.service.accounts
    secrets = {place.server.client_secret, place.server.refresh_token}

    def remember() -> None:
        secrets.update(accounts._grants)
        secrets.update(accounts._issued())

    problems = []
    place.server.admin("POST /admin/tokens", {"rotate": True})
    for fault in ("rate_limit", "status", "html", "cut", "broken_json", "unauthorized", None):
        if fault:
            place.fault(fault, times=2)
            place.fault(fault, path="/api/token", times=1)
        problems.append(place.poll(fetch_limit=5, daily_budget=10_000))
        remember()
        place.advance(hours=7)
        place.server.admin("POST /admin/tokens", {"expire_access": True})
    place.calm()
    consent = ask(place.connection.app)
    address = requests.get(consent.url, allow_redirects=False, timeout=5).headers["Location"]
    secrets.add(re.search(r"code=([^&]+)", address)[1])
    complete(place.connection.app, place.connection.store, consent, address, now=place.clock())
    problems.append(place.poll())
    remember()
    place.server.admin("POST /admin/tokens", {"revoke": True, "expire_access": True})
    problems.append(place.poll())
    said = capfd.readouterr()
    texts = [repr(problems), repr(place.connection), repr(place.connection.store), said.out, said.err]
    (tmp_path / "said.txt").write_text("\n".join(texts))

    assert len(secrets) > 10
    basic = base64.b64encode(f"{place.server.client_id}:{place.server.client_secret}".encode()).decode()
    needles = [secret.encode() for secret in {*secrets, basic}]
    tokens, world = place.connection.token_folder, tmp_path / "world"
    files = [
        p for p in tmp_path.rglob("*") if p.is_file() and not p.is_relative_to(tokens) and not p.is_relative_to(world)
    ]
    found = [(file.name, needle) for file in files for needle in needles if needle in searchable(file)]
    assert found == []
    names = {file.name for file in files}
    assert {"trace.pickle", "state.json", "spotify_api.jsonl", "everything.log"} <= names
    assert any(file.suffix == ".parquet" for file in files)
    assert b"recently-played" in searchable(everything_logged)


def test_the_search_sees_what_is_packed(tmp_path):
    packed = base64.b64encode(zlib.compress(b"some secret words " * 20))
    (tmp_path / "state").write_bytes(gzip.compress(b'{"state": "' + packed + b'"}'))
    assert b"some secret words" in searchable(tmp_path / "state")
