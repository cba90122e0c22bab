"""A MySQL that falls silent is waited for as long as the URL says, told in one paragraph, and read again by the next run."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import make_url

from sources.catalog.choice import Default
from sources.problem import Problem
from tests.proxy import SILENT, Fault, between

BY_CONNECTORX = {"read_timeout": "2"}
BY_DRIVER = {"read_timeout": "2", "local_infile": "0"}


@pytest.mark.servers
@pytest.mark.parametrize("query", [BY_CONNECTORX, BY_DRIVER], ids=["connectorx", "driver"])
@pytest.mark.parametrize("asked", [b"count(", b"as track_id"], ids=["while it counts", "while rows are read"])
def test_a_server_that_falls_silent_is_not_waited_for_long(
    mariadb, open_house: Callable, query: dict[str, str], asked: bytes
) -> None:
    own = make_url(mariadb.fresh())
    with between(own.host or "127.0.0.1", own.port or 3306) as proxy:
        through = own.set(host="127.0.0.1", port=proxy.port, query=query).render_as_string(hide_password=False)
        house = open_house(through, tracks=Default(strategy="full"))
        house.do("insert into spotify_tracks (track_id, name) values ('a', 'A'), ('b', 'B')")
        fault = proxy.break_with(Fault(SILENT, asked))
        start = time.monotonic()
        with pytest.raises(Problem, match=r"(?s)Reading the catalog.*SOURCES__CATALOG__CREDENTIALS"):
            house.extract()
        assert fault.hits
        assert 2 <= time.monotonic() - start < 30
        proxy.heal()
        house.extract()
        house.check()
