"""A manifest says for ever what a package held: no bucket in trouble and no full disk may make it say anything else."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import make_url

from pipelines import manifest
from pipelines.committed import File
from pipelines.lake import Snapshot
from pipelines.settings import LakeSettings
from pipelines.store import Folder, open_store
from sandbox.servers.seaweedfs import S3
from sources.problem import Problem
from tests.proxy import UNAVAILABLE, Fault, between

TABLE, LOAD = "spotify_api__plays", "1.5"


@pytest.mark.servers
def test_a_bucket_that_answers_503_leaves_no_manifest_of_a_file_without_rows(s3: S3, tmp_path: Path) -> None:
    bucket, at, file = s3.fresh(), make_url(s3.url), tmp_path / "a.parquet"
    duckdb.sql(f"copy (select now() as played_at from range(3)) to '{file}'")
    with between(at.host or "", at.port or 0) as proxy:
        keys = (bucket.access_key, bucket.secret_key, f"http://127.0.0.1:{proxy.port}", bucket.region)
        lake = LakeSettings(bucket.bucket_url, *keys)
        store = open_store(lake)
        store.write("spotify_api/plays/1.5.a.parquet", file.read_bytes())
        one = File(f"{store.root}/spotify_api/plays/1.5.a.parquet", LOAD, file.stat().st_size)
        snapshot = Snapshot({TABLE: (one,)}, root=store.root)
        fault = proxy.break_with(Fault(UNAVAILABLE, b"HEAD /", times=99))
        with pytest.raises(Problem, match=r"cannot be read.*DESTINATION__LAKE__BUCKET_URL"):
            manifest.write_missing(lake, store, snapshot, {})
        assert fault.hits >= 2
        assert not store.walk("_manifests")
        proxy.heal()
        assert manifest.write_missing(lake, store, snapshot, {})
        (entry,) = manifest.read(store, tmp_path / "manifests.json").values()
        assert entry.rows == 3


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """A limit of this process: a write beyond it is cut off."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_manifest_that_was_cut_off_is_never_read(tmp_path: Path) -> None:
    store, content = Folder(tmp_path / "lake"), b'[{"path": "spotify_api/plays/1.5.a.parquet"}]'
    with no_file_above(20), pytest.raises(OSError, match="File too large"):
        store.write("_manifests/spotify_api/1.5.json", content)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [], "half of it is still there"
    assert manifest.read(store, tmp_path / "manifests.json") == {}
    store.write("_manifests/spotify_api/1.5.json", content)
    assert set(store.walk("_manifests")) == {"_manifests/spotify_api/1.5.json"}
