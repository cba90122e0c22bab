"""All three servers at once, as the settings of a run.

Data flow: MariaDB, S3, Postgres -> environment variables of catalog, lake and warehouse
"""

import contextlib
from collections.abc import Iterator

from sandbox.servers import mariadb, postgres, seaweedfs


@contextlib.contextmanager
def serve() -> Iterator[dict[str, str]]:
    """Servers of one's own for as long as the context lasts, each with an empty database or bucket.

    Raises:
        Problem: One of them could not be installed or started.
    """
    with contextlib.ExitStack() as stack:
        catalog, warehouse, lake = (stack.enter_context(server.serve()) for server in (mariadb, postgres, seaweedfs))
        yield {
            "SOURCES__CATALOG__CREDENTIALS": catalog.fresh(),
            "DESTINATION__WAREHOUSE__CREDENTIALS": warehouse.fresh(),
            **lake.fresh().environment,
        }
