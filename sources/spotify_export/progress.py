"""A progress bar for imports, on a terminal alone: logs and pipes stay clean."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sources.spotify_export.plan import Progress


@contextmanager
def bar() -> Iterator[Progress]:
    """Gives a progress callback that draws a bar of megabytes on stderr."""
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, desc="import", leave=False, disable=not sys.stderr.isatty()) as drawn:

        def show(done: int, total: int, name: str) -> None:
            drawn.total = total
            drawn.n = done
            drawn.set_postfix_str(name.rpartition("/")[2][:40], refresh=True)

        yield show
