"""Ids of any type, and tables whose primary key is another column than the id, or that have none."""

from collections.abc import Callable

import pytest

from sources.catalog.checksum import number
from sources.catalog.choice import Default
from sources.problem import UsageProblem

WATERMARK = Default(strategy="watermark", cursor="followers")
FULL = Default(strategy="full")
PARTITION = Default(strategy="partition", partition="genres")
IDS = {
    "unsigned": ("bigint unsigned", [str(2**64 - 1 - i) for i in range(12)]),
    "decimal": ("decimal(38,10)", [f"1234567890123456789012345678.{i:010}" for i in range(12)]),
    "binary": ("varbinary(8)", [f"x'{i + 65:02x}c3a9'" for i in range(12)]),
    "text": ("varchar(8) collate utf8mb4_bin", [f"'{i}é'" for i in "kKlLmMnNoOpP"]),
    "folded text": ("varchar(8) collate utf8mb4_unicode_ci", [f"'é''{i}'" for i in range(10, 22)]),
    "latin text": ("varchar(8) character set latin1", [f"'é{i}'" for i in range(10, 22)]),
}
TABLES = {
    "surrogate": "id integer primary key, artist_id varchar(9)",
    "surrogate beside a unique id": "id integer primary key, artist_id varchar(9) not null unique",
    "id and more": "id integer not null, artist_id varchar(9) not null, primary key (artist_id, id)",
    "none": "id integer, artist_id varchar(9)",
}
UNIQUE = "surrogate beside a unique id"
SERVERS = pytest.mark.parametrize(
    "server",
    [
        "sqlite",
        *(pytest.param(name, marks=[pytest.mark.servers, pytest.mark.long]) for name in ("mariadb", "postgres")),
    ],
)
MORE = "name varchar(20), followers bigint, track_id varchar(9), genres varchar(10)"


@pytest.mark.servers
@pytest.mark.parametrize("kind", IDS)
def test_what_is_gone_and_what_is_late_is_found_by_an_id_of_any_type(open_house: Callable, mariadb, kind: str) -> None:
    column, ids = IDS[kind]
    here = open_house(mariadb.fresh(), artists=WATERMARK)
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists (artist_id {column} primary key, {MORE})",
        *(f"insert into spotify_artists values ({each}, '{i}', {i}, null, null)" for i, each in enumerate(ids)),
    )
    here.extract()
    assert here.nothing_new()
    here.do(
        f"delete from spotify_artists where artist_id in ({ids[3]}, {ids[7]})",
        f"update spotify_artists set followers = 4, track_id = 'late' where artist_id = {ids[2]}",
        f"insert into spotify_artists values ({ids[3]}, 'again', 5, 'back', null)",
    )
    done = here.extract()["spotify_artists"]
    assert (done.rows, done.tombstones) == (2, 1)
    names = [str(i) for i in range(12) if i not in (3, 7)]
    assert [name for (name,) in here.silver("spotify_artists", "name")] == sorted([*names, "again"])
    assert here.extracts("spotify_artists")[-1]["table_rows"] == 11
    assert here.nothing_new()


@pytest.fixture
def house(server: str, open_house: Callable, request: pytest.FixtureRequest) -> Callable:
    url = None if server == "sqlite" else request.getfixturevalue(server).fresh()

    def make(table: str, strategy: Default):
        here = open_house(url, artists=strategy)
        here.do("drop table spotify_artists", f"create table spotify_artists ({MORE}, {TABLES[table]})")
        return here

    return make


def artist(number: int, key: str, name: str = "x", day: str = "2026-01-01") -> str:
    cells = f"{number}, {key}, '{name}', {number}, '{day}'"
    return f"insert into spotify_artists (id, artist_id, name, followers, genres) values ({cells})"


@SERVERS
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("strategy", [FULL, WATERMARK, PARTITION], ids=lambda strategy: strategy.strategy)
def test_changes_arrive_whatever_the_primary_key_is(house: Callable, table: str, strategy: Default) -> None:
    here = house(table, strategy)
    here.do(*(artist(i, f"'a{i}'", day=f"2026-01-0{i % 3 + 1}") for i in range(1, 9)))
    if strategy is WATERMARK and table != UNIQUE:
        problem = here.extract()["spotify_artists"].problem
        assert isinstance(problem, UsageProblem)
        assert "SOURCES__CATALOG__SPOTIFY_ARTISTS__STRATEGY to full or partition" in str(problem)
        return
    here.extract()
    here.check("spotify_artists")
    here.do(
        "delete from spotify_artists where id in (2, 8)",
        "update spotify_artists set name = 'changed', followers = 20 where id = 3",
        "update spotify_artists set artist_id = 'moved', followers = 21 where id = 4",
        artist(30, "'new'"),
        artist(31, "'3'"),  # the text of a surrogate key
    )
    here.extract()
    here.check("spotify_artists")
    assert here.extracts("spotify_artists")[-1]["table_rows"] == 8
    assert here.nothing_new()
    here.do("delete from spotify_artists where id = 31", artist(32, "'a2'", "again"))
    here.extract()
    here.check("spotify_artists")
    assert here.nothing_new()


@SERVERS
@pytest.mark.parametrize("table", ["surrogate", "none"])
@pytest.mark.parametrize("strategy", [FULL, PARTITION], ids=lambda strategy: strategy.strategy)
def test_an_id_that_several_rows_share_counts_once_and_a_row_without_one_not(
    house: Callable, table: str, strategy: Default
) -> None:
    here = house(table, strategy)
    here.do(*(artist(i, "'a'") for i in (1, 2)), artist(3, "'A'"), *(artist(i, "null") for i in (4, 5)))
    assert here.extract()["spotify_artists"].rows == 5
    (extract,) = here.extracts("spotify_artists")[:1]
    assert (extract["row_count"], extract["table_rows"]) == (5, 2)
    assert here.silver("spotify_artists", "artist_id") == [("A",), ("a",)]
    assert here.nothing_new()
    here.do("delete from spotify_artists where id = 1", artist(6, "null"))
    here.extract()
    assert here.extracts("spotify_artists")[-1]["table_rows"] == 2
    here.do("delete from spotify_artists where id = 2")
    here.extract()
    assert here.extracts("spotify_artists")[-1]["table_rows"] == 1
    assert here.silver("spotify_artists", "artist_id") == [("A",)]
    assert here.nothing_new()


@SERVERS
@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_read_by_its_cursor_only_where_no_two_rows_can_have_one_id(house: Callable, table: str) -> None:
    here = house(table, Default())
    here.do(
        "alter table spotify_artists add column updated_at timestamp",
        "create index by_updated_at on spotify_artists (updated_at)",
    )
    assert here.extract()["spotify_artists"].strategy == ("watermark" if table == UNIQUE else "full")


def test_a_unique_index_over_some_rows_proves_nothing(open_house: Callable) -> None:
    here = open_house(artists=WATERMARK)
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists (id integer primary key, artist_id varchar(9) not null, {MORE})",
        "create unique index some on spotify_artists (artist_id) where followers > 5",
    )
    assert isinstance(here.extract()["spotify_artists"].problem, UsageProblem)
    here.do("create unique index every on spotify_artists (artist_id)")
    assert here.extract()["spotify_artists"].state == "loaded"


@pytest.mark.parametrize("strategy", [FULL, WATERMARK, PARTITION], ids=lambda strategy: strategy.strategy)
def test_a_primary_key_of_sqlite_may_be_null(open_house: Callable, strategy: Default) -> None:
    here = open_house(artists=strategy)
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists (artist_id varchar(9) primary key, {MORE})",
        *(f"insert into spotify_artists values ('a{i}', 'n', {i}, null, '2026-01-01')" for i in range(9)),
        "insert into spotify_artists values (null, 'n', 5, null, '2026-01-01'), (null, 'n', null, null, null)",
    )
    for change in (
        "select 1",
        "delete from spotify_artists where artist_id in ('a1', 'a2')",
        "insert into spotify_artists values ('late', 'n', 4, null, '2026-01-02')",
        "insert into spotify_artists values (null, 'n', 8, null, '2026-01-01')",
        "delete from spotify_artists where artist_id is null",
    ):
        here.do(change)
        done = here.extract()["spotify_artists"]
        assert (done.strategy, done.problem) == (strategy.strategy, None)
        ids = [row for row in here.source("spotify_artists", "artist_id", "name") if row[0] is not None]
        assert here.silver("spotify_artists", "artist_id", "name") == ids
        assert here.extracts("spotify_artists")[-1]["table_rows"] == len(ids)
        assert here.nothing_new()


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.parametrize("strategy", [FULL, WATERMARK, PARTITION], ids=lambda strategy: strategy.strategy)
@pytest.mark.parametrize("kind", ["char(12)", "bytea", "varchar(12)"])
def test_changes_arrive_by_an_id_of_any_type_of_postgres(
    open_house: Callable, postgres, kind: str, strategy: Default
) -> None:
    here = open_house(postgres.fresh(), artists=strategy)
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists (artist_id {kind} primary key, {MORE})",
        *(f"insert into spotify_artists values ('é''{i}', '{i}', {i}, null, '2026-01-01')" for i in range(9)),
    )
    here.extract()
    assert here.nothing_new()
    here.do(
        "delete from spotify_artists where artist_id = 'é''3'",
        "update spotify_artists set name = 'changed' where artist_id = 'é''8'",
        "update spotify_artists set followers = 3 where artist_id = 'é''5'",
    )
    here.extract()
    # under `watermark` what changes at the bound is read again
    assert here.silver("spotify_artists", "name") == here.source("spotify_artists", "name")
    last = here.extracts("spotify_artists")[-1]
    assert last["table_rows"] == 8
    assert last["table_checksum"] == sum(number(key) for (key,) in here.silver("spotify_artists", "artist_id"))
    assert here.nothing_new()


def test_a_table_without_its_id_is_stopped(open_house: Callable) -> None:
    here = open_house()
    here.do("drop table spotify_artists", f"create table spotify_artists ({MORE})")
    assert "has no column artist_id" in str(here.extract()["spotify_artists"].problem)
