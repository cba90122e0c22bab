"""spotipy, loaded without the redis client, which it takes along for a token cache that nobody uses here.

That client took 6 % of the time in which a quiet run imports. Where it is loaded already, or is asked for later, it is
the real one.

Data flow: spotipy -> the same, imported in less time
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class RedisError(Exception):
    """What spotipy's unused cache would catch."""


@contextmanager
def without_redis() -> Iterator[None]:
    """Let imports in this block that ask for redis get a stand-in."""
    if "redis" in sys.modules:
        yield
        return
    stand_in = ModuleType("redis")
    stand_in.__dict__["RedisError"] = RedisError
    sys.modules["redis"] = stand_in
    try:
        yield
    finally:
        del sys.modules["redis"]
