"""A bucket is reached the way the settings say by all three of its clients: the store, dlt and DuckDB."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from sqlalchemy import make_url, text

from pipelines import bronze, lake_reader
from pipelines.embedded import Surroundings
from pipelines.ingest import Plan, import_history, ingest
from pipelines.lake import pipeline_for, take_snapshot
from pipelines.settings import load
from pipelines.store import open_store
from sandbox.servers.seaweedfs import DOMAIN, S3, SETTING, Bucket
from sources.catalog import extract
from sources.catalog.database import open_database
from sources.catalog.schema import create_tables
from sources.pending import finish
from sources.problem import Problem, UsageProblem
from tests.proxy import CUT, SILENT, STRUCK, Fault, Proxy, between

KEYS = "DESTINATION__LAKE__CREDENTIALS__"
COPIED = {"file": "merge.csv", "line": 1, "kind": "artist", "fields": "{}", "is_valid": True, "problem": None}


@pytest.fixture
def through(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bucket, Proxy]]:
    """A bucket that the settings name, behind a proxy, and every name below `localhost` known to this process."""
    bucket, at, resolve = s3.fresh(), make_url(s3.url), socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(DOMAIN) else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with between(at.host or "", at.port or 0) as proxy:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(f"{KEYS}ENDPOINT_URL", f"http://{DOMAIN}:{proxy.port}")
        monkeypatch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path / "data"))
        yield bucket, proxy


def uses(seen: list[int] | None = None) -> dict[str, Callable[[], object]]:
    """What each client does with the lake of the settings; how many rows DuckDB saw is noted."""
    settings, seen = load(), [] if seen is None else seen
    store = open_store(settings.lake)

    def loads() -> None:
        run = pipeline_for(settings, "curation").run([COPIED], table_name="rules", loader_file_format="parquet")
        run.raise_on_failed_jobs()

    def reads() -> None:
        with bronze.over_bronze(settings.lake, take_snapshot(store), ["curation__rules"]) as connection:
            rows = connection.execute("select kind from bronze.curation__rules").fetchall()
            assert set(rows) == {("artist",)}
            seen.append(len(rows))

    return {"store": lambda: store.write("note", b"1"), "dlt": loads, "duckdb": reads}


class Role(HTTPServer):
    """What a container asks for the keys of its role."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked = 0
        self.keys = {
            "AccessKeyId": bucket.access_key,
            "SecretAccessKey": bucket.secret_key,
            "Token": "",
            "Expiration": "2999-01-01T00:00:00Z",
        }


class Answer(BaseHTTPRequestHandler):
    """Gives the keys to whoever asks."""

    server: Role

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.keys).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.servers
@pytest.mark.parametrize("style", [None, "path", "vhost"])
def test_the_bucket_s_name_goes_where_the_setting_says(
    through: tuple[Bucket, Proxy], style: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = through
    if style == "vhost" and SETTING in os.environ:
        pytest.skip(f"only a server of our own is known below {DOMAIN}")
    if style:
        monkeypatch.setenv(f"{KEYS}S3_URL_STYLE", style)
    name = bucket.bucket_url.removeprefix("s3://")
    other = f" /{name}" if style == "vhost" else f"Host: {name}.{DOMAIN}"
    for client, use in uses().items():
        fault = proxy.break_with(Fault(STRUCK, other.encode(), times=1000))
        use()
        assert not fault.hits, client


@pytest.mark.servers
def test_a_bucket_that_takes_a_file_and_says_nothing_is_not_waited_for_for_ever(
    through: tuple[Bucket, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = through
    patience = {"connect_timeout": 1, "read_timeout": 1, "retries": {"mode": "standard", "max_attempts": 1}}
    monkeypatch.setenv("DESTINATION__LAKE__KWARGS", json.dumps({"config_kwargs": patience}))
    seen: list[int] = []
    used = uses(seen)
    used["dlt"]()
    silence = Fault(SILENT, f"PUT /{bucket.bucket_url.removeprefix('s3://')}/curation".encode())
    proxy.break_with(silence)
    start = time.monotonic()
    with pytest.raises(PipelineStepFailed):
        used["dlt"]()
    assert silence.hits == 4
    assert 4 <= time.monotonic() - start < 30
    proxy.heal()
    assert finish(pipeline_for(load(), "curation"))
    used["duckdb"]()
    assert seen == [2]


@pytest.mark.servers
def test_what_cut_a_load_short_is_told_in_one_sentence(
    through: tuple[Bucket, Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = through
    patience = {"connect_timeout": 1, "read_timeout": 1, "retries": {"mode": "standard", "max_attempts": 1}}
    monkeypatch.setenv("DESTINATION__LAKE__KWARGS", json.dumps({"config_kwargs": patience}))
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    engine = open_database(url, create=True)
    create_tables(engine)
    with engine.begin() as connection:
        connection.execute(text("insert into spotify_artists (artist_id, name) values ('a', 'Ä')"))
    place = f"{bucket.bucket_url.removeprefix('s3://')}/catalog/spotify_artists"
    proxy.break_with(Fault(CUT, f"PUT /{place}".encode(), times=1000))
    with pytest.raises(Problem, match=rf"failed: [^:]*endpoint URL: \S*{place}\S*\. Nothing of this load counts"):
        extract(pipeline_for(load(), "catalog"), url)


@pytest.mark.servers
@pytest.mark.parametrize(
    "is_new", [pytest.param(False, marks=pytest.mark.long), True], ids=["a lake that was", "a lake that is new"]
)
def test_what_a_bucket_did_not_take_is_loaded_by_the_next_run_though_its_source_has_nothing_new(
    is_new: bool, through: tuple[Bucket, Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, proxy = through
    patience = {"connect_timeout": 1, "read_timeout": 1, "retries": {"mode": "standard", "max_attempts": 1}}
    monkeypatch.setenv("DESTINATION__LAKE__KWARGS", json.dumps({"config_kwargs": patience}))
    settings = load()
    settings.curation.mkdir(parents=True)
    rules, listens = settings.curation / "rename.csv", tmp_path / "listens.jsonl"
    around, plan = Surroundings(settings, lambda: datetime.now(UTC)), Plan(("spotify_export", "curation"))

    def something_new(number: int) -> None:
        rules.write_text(f"kind,id,name,new_name\nartist,nobody,,New {number}\n")
        track = {"artist_name": "a", "track_name": f"b {number}"}
        listens.write_text(json.dumps({"listened_at": 1_700_000_000, "track_metadata": track}) + "\n")

    if not is_new:
        something_new(1)
        assert not import_history(settings, [listens]).problems
        assert not any(found.problems for found in ingest(around, plan))
    something_new(2)
    proxy.break_with(Fault(CUT, f"PUT /{bucket.bucket_url.removeprefix('s3://')}/".encode(), times=1000))
    with pytest.raises(Problem, match="Loading the history into the lake failed"):
        import_history(settings, [listens])
    assert [len(found.problems) for found in ingest(around, plan)] == [1, 1]
    proxy.heal()
    listens.unlink()
    assert not any(found.problems for found in ingest(around, plan))
    files = take_snapshot(open_store(settings.lake)).files
    loads = [len(files[view]) for view in ("spotify_export__listenbrainz_listens", "curation__rules")]
    assert loads == ([1, 1] if is_new else [2, 2])


@pytest.mark.servers
def test_without_keys_all_clients_take_those_of_the_machine_s_role(
    through: tuple[Bucket, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, _ = through
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"{KEYS}{name}")
        monkeypatch.delenv(name, raising=False)
    with Role(bucket) as given:
        threading.Thread(target=given.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{given.server_port}/role")
        for use in uses().values():
            use()
        given.shutdown()
    assert given.asked >= 3


def test_an_unknown_style_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{KEYS}S3_URL_STYLE", "virtual")
    with pytest.raises(UsageProblem, match=r"S3_URL_STYLE is 'virtual': give one of path, vhost"):
        load()


def test_a_cursor_waits_no_longer_than_its_connection_and_says_what_dbt_run_listens_for(
    through: tuple[Bucket, Proxy],
) -> None:
    bucket, proxy = through
    with duckdb.connect() as connection, connection.cursor() as cursor:
        lake_reader.open_lake(connection, load().lake)
        cursor.execute("select name, value::int from duckdb_settings() where name like 'http_%' and value ~ '^[0-9]+$'")
        assert dict(cursor.fetchall()).items() >= lake_reader.PATIENCE.items()
        lake_reader.wait_at_most(connection, lake_reader.IMPATIENCE)
        proxy.break_with(Fault(SILENT))
        began = time.monotonic()
        with pytest.raises(duckdb.IOException, match="Timeout was reached"):
            cursor.execute(f"from read_parquet('{bucket.bucket_url}/a.parquet')")
        assert time.monotonic() - began < 5
