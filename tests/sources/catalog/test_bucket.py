"""The catalog into a lake in a bucket: the comparison reads what is there through the same file system."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dlt
import pytest

from sources.catalog import extract
from sources.catalog.choice import Default
from sources.catalog.held import committed_pages


@dataclass
class Remote:
    """A house whose lake is a bucket."""

    house: Any
    bucket: Any

    def pipeline(self) -> dlt.Pipeline:
        keys = {
            "aws_access_key_id": self.bucket.access_key,
            "aws_secret_access_key": self.bucket.secret_key,
            "endpoint_url": self.bucket.endpoint_url,
            "region_name": self.bucket.region,
        }
        lake = dlt.destinations.filesystem(bucket_url=f"{self.bucket.bucket_url}/prod", credentials=keys)
        folder = str(self.house.folder / "pipelines")
        return dlt.pipeline("catalog", destination=lake, dataset_name="catalog", pipelines_dir=folder)

    def extract(self) -> Any:
        return {done.table: done for done in extract(self.pipeline(), self.house.url, self.house.settings)}


@pytest.mark.servers
def test_deletes_are_found_from_a_bucket_by_a_machine_that_knows_nothing(open_house: Callable, s3) -> None:
    here = open_house(artists=Default(strategy="watermark"))
    remote = Remote(here, s3.fresh())
    insert = "insert into spotify_artists (artist_id, updated_at) values ('{}', '2026-01-0{} 00:00:00')"
    here.do(*(insert.format(key, day) for day, key in enumerate("abc", 1)))
    assert remote.extract()["spotify_artists"].rows == 3
    shutil.rmtree(here.folder / "pipelines")
    here.do("delete from spotify_artists where artist_id = 'b'", "insert into spotify_artists (artist_id) values ('d')")
    done = remote.extract()["spotify_artists"]
    assert (done.rows, done.tombstones) == (1, 1)
    pipeline = remote.pipeline()
    stones = [row["key"] for page in committed_pages(pipeline)("tombstones", ("key",)) for row in page.to_pylist()]
    assert stones == ["b"]
    assert here.nothing_new()
