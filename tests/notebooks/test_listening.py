"""The embedded dashboard as its reader has it: marimo's app in a real Chromium, on the built environment."""

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, is_foreign
from tests.environment import ROOT, Environment

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
NOTEBOOK = ROOT / "notebooks" / "listening.py"


@pytest.fixture
def address(built: Environment) -> Iterator[str]:
    """The notebook served as an app."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    marimo = Path(sys.executable).parent / "marimo"
    options = ("--headless", "--no-token", "--host", "127.0.0.1", "--port", port)
    variables = {**built.variables, "MARIMO_SKIP_UPDATE_CHECK": "1"}
    server = subprocess.Popen([marimo, "-q", "run", *options, NOTEBOOK], cwd=ROOT, env=variables)
    try:
        yield answering(f"http://127.0.0.1:{port}/")
    finally:
        server.terminate()
        server.wait(timeout=30)


def answering(url: str) -> str:
    """The address, once somebody answers there."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}health", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return url
    raise TimeoutError(f"nobody answers at {url}")


def choose(page: Page, *ends: str) -> None:
    """Types both ends of the range as month, day, year."""
    parts = page.get_by_role("spinbutton")
    for place, end in enumerate(ends):
        for part, text in enumerate(end.split("-")):
            parts.nth(3 * place + part).click()
            page.keyboard.type(text)


def tile(page: Page, name: str, value: str) -> None:
    """Waits until a tile shows a number."""
    expect(page.locator("marimo-stat").filter(has_text=re.compile(f"^{name}"))).to_contain_text(value, timeout=WAIT_MS)


def rows(gold: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return gold.execute(query).to_arrow_table().to_pylist()


def test_a_range_is_chosen_and_an_artist_and_a_song_are_looked_at(built: Environment, address: str) -> None:
    days = "played_on between date '2025-02-01' and date '2025-05-31'"
    with duckdb.connect(str(built.data_dir / "warehouse.duckdb"), read_only=True) as gold:
        gold.execute("create temporary view plays as select * from gold.fct_plays where is_counted")
        ever = rows(gold, "select count(*) as plays from plays")[0]
        sums = rows(
            gold,
            "select count(*) as plays, round(sum(ms_played) / 60000)::bigint as minutes,"
            f" count(distinct played_on) as days from plays where {days}",
        )[0]
        third = rows(
            gold,
            "select artist_id as id, any_value(artist_name) as name, count(*) as plays from plays"
            f" where {days} and artist_id is not null group by 1 order by 3 desc, sum(ms_played) desc limit 3",
        )[2]
        songs = rows(
            gold,
            f"select count(*) as plays from plays where {days} and artist_id = '{third['id']}'"
            " group by recording_id order by 1 desc",
        )
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 2400})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        tile(page, "plays", f"{ever['plays']:,}")

        choose(page, "02-01-2025", "05-31-2025")

        for name, value in sums.items():
            tile(page, name, f"{value:,}")
        artists = page.locator("marimo-table").first
        row = artists.get_by_role("row").filter(has_text=third["name"])
        expect(row).to_contain_text(f"{third['plays']:,}", timeout=WAIT_MS)
        row.get_by_role("checkbox").click()
        expect(page.get_by_role("heading", name=f"Artist: {third['name']}")).to_be_visible(timeout=WAIT_MS)
        listed = page.locator("marimo-table").nth(1).get_by_role("row")
        for place, song in enumerate(songs[:10], 1):
            expect(listed.nth(place).get_by_role("cell").nth(3)).to_have_text(f"{song['plays']:,}", timeout=WAIT_MS)
        listed.nth(2).get_by_role("checkbox").click()
        expect(page.get_by_role("heading", name=re.compile("^Song: "))).to_contain_text(
            listed.nth(2).get_by_role("cell").nth(1).inner_text(), timeout=WAIT_MS
        )
    assert [url for url in asked if is_foreign(url, address, address.replace("http", "ws"))] == []
