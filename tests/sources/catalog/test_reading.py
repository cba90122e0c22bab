"""Rows are taken in windows of any primary key, and large tables are compared when there is reason to."""

import gc
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
import sqlalchemy as sa

from sources.catalog import plan, plan_tables
from sources.catalog.choice import Default, choose
from sources.catalog.database import open_database
from sources.catalog.layout import layout_of
from sources.catalog.reader import Reader

TABLES = {
    "integers": ("id bigint primary key, v text", [f"({i * i}, 'v{i}')" for i in range(1, 26)]),
    "unsigned": ("id bigint unsigned primary key, v text", [f"({2**64 - 1 - i}, 'v{i}')" for i in range(25)]),
    "texts": (
        "id varchar(40) collate utf8mb4_bin primary key, v text",
        [f"('{'aAbBéß😀%:'[i % 9]}{i}', '{i}')" for i in range(20)] + [r"('\\x', 'b')", "('o''x', 'q')", "('', 'e')"],
    ),
    "folded": (
        "id varchar(40) collate utf8mb4_general_ci primary key, v text",
        [f"('{c}', 'v')" for c in "bAdCfEhGjI"],
    ),
    "accents": (
        "id varchar(40) collate utf8mb4_unicode_ci primary key, v text",
        [f"('{c}é''{i}', 'v')" for i, c in enumerate("bAdCfEhGjI")],
    ),
    "composite": (
        "a int not null, b varchar(9) not null, v text, primary key (b, a)",
        [f"({a}, '{b}', 'v')" for a in range(5) for b in "xyzXY" if not (b in "XY" and a > 0)][:20],
    ),
    "moments": (
        "id datetime(6) primary key, v text",
        [f"('2026-01-0{1 + i % 9} 00:00:00.00000{i // 9}', 'v')" for i in range(27)],
    ),
    "decimals": ("id decimal(9,3) primary key, v text", [f"({i}.5, 'v')" for i in range(-9, 9)]),
    "bytes": ("id varbinary(4) primary key, v text", [f"(x'{i:02x}ff', 'v')" for i in range(0, 256, 11)]),
    "enums": (
        "id enum('single','album','ep','mix','live','compilation') primary key, v text",
        [f"('{each}', 'v')" for each in ("single", "album", "ep", "mix", "live", "compilation")],
    ),
    "enum and number": (
        "k enum('single','album') not null, id int not null, v text, primary key (k, id)",
        [f"('{k}', {i}, 'v')" for k in ("single", "album") for i in range(9)],
    ),
    "sets": (
        "id set('b','a','c') primary key, v text",
        [f"('{each}', 'v')" for each in ("b", "a", "c", "b,a", "a,c", "b,c")],
    ),
    "instants": (
        "id int not null, t timestamp(6) not null, v text, primary key (t, id)",
        [f"({i}, '2026-01-0{1 + i % 9} 00:00:00', 'v')" for i in range(18)],
    ),
    "keyless": ("id int, v text", [f"({i}, 'v')" for i in (1, 1, 2, 2, 3)]),
}


@pytest.mark.servers
@pytest.mark.parametrize("name", TABLES)
def test_windows_over_any_key_give_every_row_once(mariadb, name: str) -> None:
    columns, rows = TABLES[name]
    engine = open_database(mariadb.fresh())
    with engine.begin() as connection:
        raw = connection.execution_options(no_parameters=True)
        raw.exec_driver_sql(f"create table t ({columns}) character set utf8mb4")
        for row in rows:
            raw.exec_driver_sql(f"insert ignore into t values {row}")
        (count,) = raw.exec_driver_sql("select count(*) from t").one()
        choice = choose(sa.inspect(connection), "t", Default(strategy="full"))
    assert count >= 5
    layout = layout_of(choice, "mysql")
    whole = next(iter(Reader(engine, choice, layout).pages(None, None)))
    pages = list(islice(Reader(engine, choice, layout, window=4).pages(None, None), count))
    key = [column.name for column in choice.key] or ["id"]
    found = [tuple(row[part] for part in key) for page in pages for row in page.to_pylist()]
    assert sorted(found) == sorted(tuple(row[part] for part in key) for row in whole.to_pylist())
    assert len(found) == count
    assert max(page.num_rows for page in pages) == min(4, count)
    some = [
        row for page in Reader(engine, choice, layout, window=2).pages("v <> 'v3'", None) for row in page.to_pylist()
    ]
    assert len(some) == sum(row["v"] != "v3" for row in whole.to_pylist())
    engine.dispose()


def rows(first: int, last: int) -> list[str]:
    stamp = "strftime('%Y-%m-%d %H:%M:%f000', '2026-01-01', '+{} seconds')"
    insert = "insert into spotify_artists (artist_id, updated_at) values ('a{}', {})"
    return [insert.format(i, stamp.format(i)) for i in range(first, last)]


def test_a_page_that_was_written_leaves_memory_at_once(open_house: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    here = open_house(artists=Default(strategy="full"))
    here.do(*(f"insert into spotify_artists (artist_id) values ('{i}')" for i in range(20)))
    pages: list[weakref.ref] = []
    alive: list[int] = []

    class Watched(Reader):
        def pages(self, where: str | None, rows: int | None) -> Iterator:
            for page in Reader(self.engine, self.choice, self.layout, window=2).pages(where, rows):
                alive.append(sum(seen() is not None for seen in pages))
                pages.append(weakref.ref(page))
                yield page

    monkeypatch.setattr("sources.catalog.loader.Reader", Watched)
    gc.disable()
    try:
        here.extract()
    finally:
        gc.enable()
    assert len(pages) == 10
    assert max(alive) <= 2


@pytest.mark.parametrize(
    "strategy",
    [Default("full"), Default("watermark"), Default("partition", partition="updated_at")],
    ids=lambda strategy: strategy.strategy,
)
def test_a_read_that_loses_rows_of_a_quiet_table_stops_it(
    open_house: Callable, monkeypatch: pytest.MonkeyPatch, strategy: Default
) -> None:
    here = open_house(artists=strategy)
    here.do(*rows(0, 9), "insert into spotify_albums (album_id) values ('b')")

    class Losing(Reader):
        def pages(self, where: str | None, rows: int | None) -> Iterator:
            yield from islice(Reader(self.engine, self.choice, self.layout, window=5).pages(where, rows), 1)

    with monkeypatch.context() as patched:
        patched.setattr("sources.catalog.loader.Reader", Losing)
        for _ in range(2):
            done = here.extract()
            assert "brought 5 rows where it has 9" in str(done["spotify_artists"].problem)
            assert here.bronze("spotify_artists") == []
    assert len(here.bronze("spotify_albums")) == 1
    assert here.extract()["spotify_artists"].rows == 9
    here.check()
    assert here.nothing_new()


@pytest.fixture
def large(open_house: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plan, "ALWAYS_COMPARED", 5)
    here = open_house(artists=Default(strategy="watermark"))
    here.do(*rows(0, 20))
    here.extract()
    return here


def test_a_large_table_that_only_grows_is_not_compared_with_the_lake(large) -> None:
    large.do(*rows(20, 30))
    assert large.extract()["spotify_artists"].rows == 10
    assert large.extracts("spotify_artists")[-1]["table_rows"] is None
    large.check()
    assert large.nothing_new()


def test_a_large_table_that_has_fewer_rows_is_compared(large) -> None:
    large.do("delete from spotify_artists where artist_id in ('a3', 'a4')")
    assert large.extract()["spotify_artists"].tombstones == 2
    large.check()
    assert large.nothing_new()


def test_what_counts_do_not_show_is_found_once_a_day(large, monkeypatch: pytest.MonkeyPatch) -> None:
    large.do("delete from spotify_artists where artist_id = 'a3'", *rows(20, 21))
    large.do(
        "update spotify_artists set updated_at = '2026-01-01 00:00:00.500000', name = 'late' where artist_id = 'a9'"
    )
    large.extract()
    assert large.nothing_new()
    assert len(large.silver("spotify_artists", "artist_id")) == 21
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    monkeypatch.setattr("sources.catalog.run.asked_now", lambda **asked: plan.Ask(tomorrow, **asked))
    done = large.extract()["spotify_artists"]
    assert (done.rows, done.tombstones) == (1, 1)
    large.check()
    assert {one.state for one in large.extract().values()} == {"unchanged"}


@pytest.mark.servers
def test_a_table_too_large_to_be_counted_first_is_counted_while_it_is_read(
    open_house: Callable, mariadb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "ALWAYS_COMPARED", 5)
    here = open_house(mariadb.fresh(), artists=Default(strategy="watermark"))
    here.do("insert into spotify_artists (artist_id) select concat('a', seq) from seq_1_to_40")
    here.do("analyze table spotify_artists")
    planned = plan_tables(here.url, {}, here.settings, plan.asked_now())["spotify_artists"][1]
    assert isinstance(planned, plan.Plan)
    assert (planned.counts, planned.counted) == (True, None)
    assert here.extract()["spotify_artists"].rows == 40
    (extract,) = here.extracts("spotify_artists")
    assert (extract["row_count"], extract["table_rows"]) == (40, 40)
    assert here.pipeline().state["sources"]["catalog"]["resources"]["spotify_artists"]["rows"] == 40
    here.check()
    assert here.nothing_new()
    here.do("delete from spotify_artists where artist_id <> 'a1'")
    assert "40" in str(here.extract()["spotify_artists"].problem)  # shrunk, by the exact count of before
