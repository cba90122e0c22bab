"""The lake's file system: a folder, or a bucket with a prefix, behind four verbs.

Small on purpose: listing and marker files go through here; rows are written by dlt and read by DuckDB.

Data flow: settings -> Store -> paths and small files of the lake
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pipelines.settings import LakeSettings
from sources.durable import write_whole
from sources.problem import Problem


class Store(Protocol):
    """What the lake needs of a file system; paths are below the lake's root, with forward slashes."""

    root: str

    def walk(self, folder: str) -> dict[str, int]:
        """Bytes by path of every file below a folder; empty when there is no such folder."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole; it becomes visible in one step."""

    def read(self, path: str) -> bytes | None:
        """Content of a file; None when there is none."""

    def delete(self, path: str) -> None:
        """Remove a file if it is there."""


class Folder:
    """A lake in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def walk(self, folder: str) -> dict[str, int]:
        """Bytes by path of every file below a folder."""
        found: dict[str, int] = {}
        pending = [folder]
        while pending:
            current = pending.pop()
            try:
                entries = list(os.scandir(Path(self.root) / current))
            except FileNotFoundError:
                continue
            for entry in entries:
                path = f"{current}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif not entry.name.startswith("."):  # beside its target: not whole yet, or never, after a full disk
                    found[path] = entry.stat().st_size
        return found

    def write(self, path: str, content: bytes) -> None:
        """Write beside the target, then rename over it."""
        write_whole(Path(self.root) / path, content)

    def read(self, path: str) -> bytes | None:
        """Content of a file; None when there is none."""
        try:
            return (Path(self.root) / path).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, path: str) -> None:
        """Remove a file if it is there."""
        (Path(self.root) / path).unlink(missing_ok=True)


class Bucket:
    """A lake in a bucket, below a prefix."""

    def __init__(self, settings: LakeSettings) -> None:
        self.root = settings.bucket_url
        self._bucket, _, self._prefix = settings.bucket_url.removeprefix("s3://").partition("/")
        self._client = s3_client(settings)

    def walk(self, folder: str) -> dict[str, int]:
        """Bytes by path of every object below a folder."""
        cut = len(self._key(""))
        with answering(self.root):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(f"{folder}/")
            )
            return {item["Key"][cut:]: item["Size"] for page in pages for item in page.get("Contents", ())}

    def write(self, path: str, content: bytes) -> None:
        """Put one object."""
        with answering(self.root):
            self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=content)

    def read(self, path: str) -> bytes | None:
        """Content of an object; None when there is none."""
        with answering(self.root):
            try:
                body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._key(path))["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
            return body

    def delete(self, path: str) -> None:
        """Remove an object if it is there."""
        with answering(self.root):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path


@contextmanager
def answering(bucket_url: str) -> Iterator[None]:
    """Turn what a bucket complains of into a Problem, after the client has repeated what may pass by itself.

    Raises:
        Problem: The bucket refuses, or does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise Problem(
            f"The lake {bucket_url} does not answer as it should: {reason}. What is in it stays, and the next run goes "
            "on. Check the server, DESTINATION__LAKE__BUCKET_URL and DESTINATION__LAKE__CREDENTIALS__*."
        ) from error


def s3_client(settings: LakeSettings) -> Any:
    """A botocore client for the lake's bucket; keys that are not set are left to the machine's role."""
    from botocore.config import Config
    from botocore.session import Session

    return Session().create_client(
        "s3",
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key,
        endpoint_url=settings.endpoint_url,
        region_name=settings.region_name or "us-east-1",
        config=Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"max_attempts": 2, "mode": "standard"},
            s3=addressing(settings) or None,
        ),
    )


def addressing(settings: LakeSettings) -> dict[str, str]:
    """Where botocore puts the bucket's name; by itself into the path at an endpoint, into the host name at AWS."""
    style = {"path": "path", "vhost": "virtual"}.get(settings.s3_url_style or "")
    return {"addressing_style": style} if style else {}


def open_store(settings: LakeSettings) -> Store:
    """The lake's file system.

    Raises:
        Problem: The bucket URL is of a kind that is not supported.
    """
    if settings.is_local:
        return Folder(settings.folder)
    if settings.bucket_url.startswith("s3://"):
        return Bucket(settings)
    raise Problem(f"The lake {settings.bucket_url} is neither a folder nor s3://: set DESTINATION__LAKE__BUCKET_URL.")
