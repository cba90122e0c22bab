"""s3fs, as dlt writes to a bucket with it, with an end to its patience.

botocore asks a server's leave (`Expect: 100-continue`) before it sends a file, and aiohttp waits for it without end: a
server that accepts and says nothing would hold a run for good. Without asking, what is sent has to be answered within
`read_timeout` (.dlt/config.toml). botocore repeats a request, and s3fs repeats that, by itself five times.

Data flow: dlt's filesystem -> BucketFiles -> bucket
"""

from typing import Any

from botocore.handlers import add_expect_header
from fsspec import register_implementation
from s3fs import S3FileSystem


class BucketFiles(S3FileSystem):  # type: ignore[misc]
    """A bucket's files, tried twice and sent without asking first."""

    retries = 2

    async def set_session(self, *given: Any, **named: Any) -> Any:
        """The client that everything goes through, made by the first call."""
        client = await super().set_session(*given, **named)
        client.meta.events.unregister("before-call.s3", add_expect_header)
        return client


def register() -> None:
    """Let whoever opens `s3://` through fsspec, which is dlt, get this one."""
    register_implementation("s3", BucketFiles, clobber=True)
