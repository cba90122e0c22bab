"""All three servers at once, as the settings of a run.

Data flow: MariaDB, S3, Postgres -> environment variables of catalog, lake and warehouse
"""

import contextlib
from collections.abc import Iterator

from sandbox.servers import mariadb, postgres, seaweedfs

CATALOG, WAREHOUSE = "SOURCES__CATALOG__CREDENTIALS", "DESTINATION__WAREHOUSE__CREDENTIALS"


@contextlib.contextmanager
def serve() -> Iterator[dict[str, str]]:
    """Servers of one's own for as long as the context lasts, each with an empty database or bucket.

    Raises:
        Problem: One of them could not be installed or started.
    """
    with contextlib.ExitStack() as stack:
        catalog, warehouse, lake = (stack.enter_context(server.serve()) for server in (mariadb, postgres, seaweedfs))
        yield {
            CATALOG: catalog.fresh(),
            WAREHOUSE: warehouse.fresh(),
            **lake.fresh().environment,
        }
