"""DuckDB as a reader of the lake: a bucket's secret, how long to wait for it, and what its errors mean.

Data flow: settings of the lake -> connection that may read it; DuckDB's errors -> Problem
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.duck import literal, load_extension
from pipelines.settings import LakeSettings
from sources.problem import Problem

if TYPE_CHECKING:
    import duckdb

PATIENCE = {"http_timeout": 60, "http_retries": 2, "http_retry_wait_ms": 500}
"""How many seconds one request may take as a whole, a row group over a slow line, and how it is repeated."""
IMPATIENCE = {"http_timeout": 1, "http_retries": 0}
"""Once a bucket has kept silent for as long as that."""


def open_lake(connection: "duckdb.DuckDBPyConnection", lake: LakeSettings) -> None:
    """Let a connection read the lake: nothing to do for a folder, a secret for a bucket."""
    if lake.is_local:
        return
    load_extension(connection, "httpfs")
    wait_at_most(connection, PATIENCE)
    options = {
        "type": "s3",
        "scope": lake.bucket_url,
        "region": lake.region_name or "us-east-1",
        **_keys(lake),
        **_endpoint(lake),
    }
    body = ", ".join(f"{name} {literal(value)}" for name, value in options.items() if value)
    connection.execute(f"create or replace temporary secret lake ({body})")


def wait_at_most(connection: "duckdb.DuckDBPyConnection", bounds: Mapping[str, int]) -> None:
    """Bound the waiting for a bucket: by `set` alone, a cursor of the connection would wait as it always does."""
    for name, number in bounds.items():
        connection.execute(f"set global {name} = {number}")


class Unreadable(Problem):
    """A file of the lake is missing or spoiled: `integrity.examine` finds out which."""


@contextmanager
def readable(lake: LakeSettings) -> Iterator[None]:
    """Turn what DuckDB says of files that it cannot read into a Problem.

    Raises:
        Unreadable: A file is not there, or holds something else.
        Problem: The lake does not answer.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if _is_of_a_file(error):
            raise unreadable(lake, error) from error
        raise


def _is_of_a_file(error: Exception) -> bool:
    """Whether DuckDB complains of a file, not of the question: a header of parquet that it cannot parse has no kind."""
    import duckdb

    kinds = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
    return isinstance(error, kinds) or type(error) is duckdb.Error


def is_unanswered(error: Exception) -> bool:
    """Whether DuckDB complains of the way to a bucket, and not of what is in a file."""
    import duckdb

    return isinstance(error, duckdb.HTTPException) or " HTTP " in str(error)


def unreadable(lake: LakeSettings, error: Exception) -> Problem:
    """What DuckDB said of the lake's files, in one paragraph."""
    said = str(error).splitlines()[0].rstrip(".")
    kind = Problem if is_unanswered(error) else Unreadable
    return kind(
        f"The lake {lake.bucket_url} cannot be read: {said}. Check DESTINATION__LAKE__BUCKET_URL and the server; "
        "doctor looks at both."
    )


def _keys(lake: LakeSettings) -> dict[str, str | None]:
    if lake.aws_access_key_id:
        return {"key_id": lake.aws_access_key_id, "secret": lake.aws_secret_access_key}
    from botocore.session import get_session

    credentials = get_session().get_credentials()
    if credentials is None:
        raise Problem("The lake's bucket has no credentials: set DESTINATION__LAKE__CREDENTIALS__AWS_ACCESS_KEY_ID.")
    frozen = credentials.get_frozen_credentials()
    return {"key_id": frozen.access_key, "secret": frozen.secret_key, "session_token": frozen.token}


def _endpoint(lake: LakeSettings) -> dict[str, str]:
    style = {"url_style": lake.s3_url_style} if lake.s3_url_style else {}
    if not lake.endpoint_url:
        return style
    scheme, _, host = lake.endpoint_url.rpartition("://")
    return {"endpoint": host.rstrip("/"), "use_ssl": str(scheme != "http").lower(), "url_style": "path", **style}
