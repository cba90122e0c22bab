"""The sandbox by itself: `python -m sandbox FOLDER` serves a world until Ctrl-C and says where, as JSON.

Data flow: folder -> World -> Server; address and credentials -> stdout.
"""

import argparse
import json
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from sandbox.habits import EVERYDAY, HABITS
from sandbox.spotify import serve
from sandbox.world import ensure


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Spotify on loopback for a made-up listener."
    )
    parser.add_argument("folder", type=Path, help="home of the world; made when it is missing")
    parser.add_argument("--catalog", help="SQLAlchemy URL of a catalog (default: one is generated in the folder)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tracks", type=int, default=5000, help="size of a generated catalog")
    parser.add_argument("--habits", choices=tuple(HABITS), default=EVERYDAY, help="whose life it is")
    parser.add_argument("--port", type=int, default=8765)
    asked = parser.parse_args()
    url = asked.catalog or f"sqlite:///{asked.folder.resolve() / 'catalog.sqlite'}"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
    world = ensure(asked.folder, url, asked.seed, asked.tracks, habits=asked.habits)
    with suppress(KeyboardInterrupt), serve(world, port=asked.port) as server:
        names = ("api_url", "accounts_url", "client_id", "client_secret", "refresh_token")
        sys.stdout.write(json.dumps({name: getattr(server, name) for name in names}, indent=2) + "\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
