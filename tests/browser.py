"""A real Chromium for tests that look at pages; installed when it is missing and that is possible."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

INSTALL = "apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OWN = ("data:", "blob:", "about:")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    options = ["--no-sandbox", "--disable-dev-shm-usage"]  # tests may run as root and in small containers
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program(), args=options)
        yield browser
        browser.close()


def program() -> str:
    """The path of Chromium, installed by root when there is none."""
    found = _found()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["sh", "-c", INSTALL], check=True, capture_output=True, timeout=600)
        found = _found()
    assert found, f"These tests need Chromium: as root, {INSTALL}"
    return found


def _found() -> str | None:
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def is_foreign(url: str, *own: str) -> bool:
    """Whether a request leaves the page, and the places given as its own."""
    return not url.startswith((*OWN, *own))
