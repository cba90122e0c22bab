"""The README of the source says what the code does."""

import re
from pathlib import Path

from sources.spotify_api import memory, session, tables, transport

README = (Path(__file__).parents[3] / "sources" / "spotify_api" / "README.md").read_text(encoding="utf-8")


def test_every_resource_is_described_with_its_key():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", README, re.MULTILINE)
    described = {name: tuple(re.findall(r"`(\w+)`", key)) for name, key in rows}
    assert described == {table.name: table.key for table in tables.TABLES}


def test_the_figures_are_those_of_the_code():
    options = transport.HttpOptions()
    assert f"Retry-After of up to {options.short_wait:.0f} s" in README
    assert f"within {options.patience:.0f} s per run" in README
    assert f"the last {memory.SEEN_KEYS} keys" in README
    assert f"`SOURCES__SPOTIFY_API__DAILY_BUDGET` ({session.Plan().daily_budget})" in README
    assert options.retries == 2
    assert "two more tries" in README
