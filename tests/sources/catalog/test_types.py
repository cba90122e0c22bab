"""Values arrive as they are: every type against the driver's own answer, and schemas that are not ours."""

import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa

from sources.catalog import extract
from sources.catalog.choice import Default
from sources.problem import Problem, UsageProblem

SERVERS = pytest.mark.parametrize("server", ["sqlite", pytest.param("mariadb", marks=pytest.mark.servers)])
EVERYWHERE = pytest.mark.parametrize(
    "server", ["sqlite", *(pytest.param(name, marks=pytest.mark.servers) for name in ("mariadb", "postgres"))]
)
FULL = Default(strategy="full")
TYPES = {
    "ubig": "bigint unsigned",
    "big": "bigint",
    "tiny": "tinyint unsigned",
    "flag": "tinyint(1)",
    "small": "smallint",
    "medium": "mediumint unsigned",
    "uint": "int unsigned",
    "dbl": "double",
    "flt": "float",
    "dec_small": "decimal(9,3)",
    "dec_fine": "decimal(38,20)",
    "dec_huge": "decimal(65,30)",
    "dec_whole": "decimal(20,0)",
    "dt": "datetime",
    "dt6": "datetime(6)",
    "ts": "timestamp(6) null",
    "da": "date",
    "ti": "time(6)",
    "yr": "year",
    "bit1": "bit(1)",
    "bit64": "bit(64)",
    "js": "json",
    "en": "enum('a','b')",
    "se": "set('x','y')",
    "bl": "blob",
    "vb": "varbinary(20)",
    "ch": "char(4)",
    "lt": "longtext",
    "la": "varchar(20) character set latin1",
}
ROWS = [
    "insert into spotify_artists (artist_id) values ('nulls')",
    """insert into spotify_artists (artist_id, ubig, big, tiny, flag, small, medium, uint, dbl, flt, dec_small,
        dec_fine, dec_huge, dec_whole, dt, dt6, ts, da, ti, yr, bit1, bit64, js, en, se, bl, vb, ch, lt, la)
    values ('most', 18446744073709551615, -9223372036854775808, 255, 1, -32768, 16777215, 4294967295,
        1.7976931348623157e308, 0.1, -999999.999, 123456789012345678.12345678901234567890,
        12345678901234567890123456789012345.123456789012345678901234567890, 99999999999999999999,
        '2026-01-02 03:04:05', '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05.123456', '2026-01-02',
        '-838:59:59.999999', 2026, 1, x'ffffffffffffffff', '{"a": "q"}', 'b', 'x,y', x'00ff', x'6162', 'ab',
        concat('emoji 😀', char(10), char(9), 'tab'), 'café')""",
    """insert into spotify_artists (artist_id, dt, dt6, da, ti, ts, dbl, flt)
        values ('zero', '0000-00-00', '0000-00-00', '0000-00-00', '00:00:01', 0, 5e-324, 3.4028e38)""",
    """insert into spotify_artists (artist_id, dt, dt6, da, dbl)
        values ('edge', '1000-01-01', '9999-12-31 23:59:59.999999', '2026-00-10', 0.1)""",
]


def same(kind: str, driver: Any, lake: Any) -> bool:  # noqa: PLR0911
    """Whether the lake's value is the driver's, where each has its own way to say it."""
    if driver is None:
        return lake is None
    if kind.startswith("date") and isinstance(driver, str):
        # a date with a zero in it is no date; the driver gives its text
        return "00" in driver and lake is None
    if kind.startswith(("timestamp", "datetime")):
        return lake is None if isinstance(driver, str) else lake == driver.replace(tzinfo=UTC)
    if kind.startswith("bit"):
        return lake == int.from_bytes(driver, "big")
    if kind == "float":
        return struct.pack("f", lake) == struct.pack("f", driver)
    if kind.startswith("time("):
        sign = -1 if lake.startswith("-") else 1
        hours, minutes, seconds = lake.lstrip("-").split(":")
        return driver == sign * timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    if kind == "decimal(65,30)":
        return Decimal(lake) == driver
    return type(lake) is type(driver) and lake == driver


@pytest.mark.servers
@pytest.mark.parametrize("strategy", ["full", "watermark"])
def test_every_type_of_mariadb_arrives_as_the_driver_tells_it(open_house: Callable, mariadb, strategy: str) -> None:
    here = open_house(mariadb.fresh(), artists=Default(strategy=strategy))
    more = ", ".join(f"add column {name} {kind}" for name, kind in TYPES.items())
    here.do(f"alter table spotify_artists {more}", "set sql_mode = ''", *ROWS)
    here.extract()
    url = sa.make_url(here.url)
    driver = pymysql.connect(
        host=url.host, port=url.port, user=url.username, password=url.password or "", database=url.database
    )
    with driver.cursor() as cursor:
        cursor.execute("set time_zone = '+00:00'")
        cursor.execute(f"select artist_id, {', '.join(TYPES)} from spotify_artists")
        told = {row[0]: dict(zip(TYPES, row[1:], strict=True)) for row in cursor}
    driver.close()
    lake = {row["artist_id"]: row for row in here.bronze("spotify_artists")}
    assert lake.keys() == told.keys() == {"nulls", "most", "zero", "edge"}
    wrong = [
        (key, name, value, lake[key][name])
        for key, values in told.items()
        for name, value in values.items()
        if not same(TYPES[name], value, lake[key][name])
    ]
    assert wrong == []
    assert here.nothing_new()


ORIGINAL = [
    """create table spotify_albums (number int4, album_type varchar(50), artist_id varchar(50),
    available_markets varchar(512), album_id varchar(50), name varchar(128), release_date varchar(50),
    total_tracks int4, primary key (album_id))""",
    """create table spotify_artists (number int4, artist_popularity int4, followers int4, genres varchar(128),
    artist_id varchar(50), name varchar(50), track_id varchar(50), type varchar(50), primary key (artist_id))""",
    """create table spotify_tracks (number0 int4, number int4, acousticness double, artists_id varchar(128),
    country char(2), duration_ms int4, track_id varchar(50), track_key int4, mode int4, name varchar(128),
    valence double, primary key (track_id))""",
    "insert into spotify_tracks (track_id, name, duration_ms, valence, country) values ('t', '112', 193093, 0.1, 'BE')",
    "insert into spotify_artists (artist_id, name, followers) values ('a1', 'NULL', 2147483647), ('a2', null, -1)",
]


@SERVERS
def test_the_original_schema_is_read_as_it_is(open_house: Callable, server: str, request) -> None:
    url = request.getfixturevalue("mariadb").fresh() if server == "mariadb" else None
    here = open_house(url, bare=True)
    here.do(*ORIGINAL)
    done = here.extract()
    assert {name: (one.state, one.strategy, one.rows) for name, one in done.items()} == {
        "spotify_tracks": ("loaded", "full", 1),
        "spotify_albums": ("loaded", "full", 0),
        "spotify_artists": ("loaded", "full", 2),
    }
    (track,) = here.bronze("spotify_tracks")
    assert (track["name"], track["duration_ms"], track["valence"], track["updated_at"]) == ("112", 193093, 0.1, None)
    assert here.silver("spotify_artists", "name", "followers") == [("NULL", 2147483647), (None, -1)]
    here.do("update spotify_artists set name = 'x' where artist_id = 'a2'")
    assert here.extract()["spotify_artists"].rows == 2
    assert here.nothing_new()


@SERVERS
def test_a_new_column_flows_through_and_a_lost_one_is_null(open_house: Callable, server: str, request) -> None:
    here = open_house(request.getfixturevalue("mariadb").fresh() if server == "mariadb" else None, artists=FULL)
    here.do("insert into spotify_artists (artist_id, name, followers) values ('a', 'n', 3)")
    here.extract()
    here.do(
        "alter table spotify_artists add column mood varchar(20)", "alter table spotify_artists drop column followers"
    )
    here.do("update spotify_artists set mood = 'glad'")
    stopped = here.extract()["spotify_artists"]
    assert "catalog.spotify_artists.followers is gone" in str(stopped.problem)
    assert {change.what for change in stopped.changes} == {"new", "missing"}
    assert here.silver("spotify_artists", "followers") == [(3,)]
    here.extract(accepted=frozenset({"catalog.spotify_artists.followers"}))
    rows = here.bronze("spotify_artists")
    assert [(row.get("followers"), row.get("mood")) for row in rows] == [(3, None), (None, "glad")]


def test_a_new_column_brings_the_values_of_old_rows_though_no_cursor_moved(open_house: Callable) -> None:
    here = open_house(artists=Default(strategy="watermark"))
    rows = "('a', '2026-01-01 00:00:00'), ('b', '2026-01-02 00:00:00')"
    here.do(f"insert into spotify_artists (artist_id, updated_at) values {rows}")
    here.extract()
    here.do("alter table spotify_artists add column mood varchar(20) default 'calm'")
    here.extract()
    assert here.silver("spotify_artists", "artist_id", "mood") == [("a", "calm"), ("b", "calm")]


@EVERYWHERE
def test_a_column_may_have_any_name(open_house: Callable, server: str, request) -> None:
    here = open_house(request.getfixturevalue(server).fresh() if server != "sqlite" else None, artists=FULL)
    names = ["share %", "100%%", "my col", "my_col", "Käse"]
    mark = "`" if server == "mariadb" else '"'
    columns = [f"{mark}{name}{mark}" for name in names]
    here.do(
        *(f"alter table spotify_artists add column {column} varchar(9)" for column in columns),
        f"insert into spotify_artists (artist_id, {', '.join(columns)}) values ('a', '1', '2', '3', '4', '5')",
    )
    assert here.extract()["spotify_artists"].rows == 1
    (row,) = here.bronze("spotify_artists")
    assert (row["my_col"], row["my_col_2"]) == ("4", "3")
    assert {"1", "2", "5"} <= set(row.values())
    assert here.nothing_new()


@EVERYWHERE
@pytest.mark.parametrize("strategy", ["full", "watermark"])
def test_a_declared_column_may_have_any_case(open_house: Callable, server: str, strategy: str, request) -> None:
    url = request.getfixturevalue(server).fresh() if server != "sqlite" else None
    here = open_house(url, artists=Default(strategy, "Last Change" if strategy == "watermark" else None))
    mark = "`" if server == "mariadb" else '"'
    columns = "Artist_ID varchar(9) not null primary key, Name varchar(9), track_id varchar(9), Last Change bigint"
    made = ", ".join(re.sub(r"^(\w+( Change)?)", rf"{mark}\1{mark}", column) for column in columns.split(", "))
    here.do("drop table spotify_artists", f"create table spotify_artists ({made})")
    here.do(*(f"insert into spotify_artists values ('a{i}', 'n{i}', null, {i})" for i in range(5)))
    here.extract()
    assert here.nothing_new()
    quoted = f"{mark}Artist_ID{mark}"
    here.do(
        f"delete from spotify_artists where {quoted} = 'a1'", "insert into spotify_artists values ('late','x',null,2)"
    )
    here.extract()
    assert here.nothing_new()
    names = [("a0", "n0"), ("a2", "n2"), ("a3", "n3"), ("a4", "n4"), ("late", "x")]
    assert here.silver("spotify_artists", "artist_id", "name") == names
    assert len(here.bronze("spotify_artists")) == (10 if strategy == "full" else 6)


@pytest.mark.servers
def test_a_column_that_differs_from_a_declared_one_in_case_goes_beside_it(open_house: Callable, postgres) -> None:
    here = open_house(postgres.fresh())
    here.do(
        'alter table spotify_artists add column "Name" text',
        "insert into spotify_artists (artist_id, name, \"Name\") values ('a', 'lower', 'UPPER')",
    )
    here.extract()
    (row,) = here.bronze("spotify_artists")
    assert (row["name"], row["name_2"]) == ("lower", "UPPER")


@pytest.mark.servers
def test_json_of_postgres_arrives_as_json(open_house: Callable, postgres) -> None:
    here = open_house(postgres.fresh())
    text = """{"a": null, "b": "it''s", "c": true}"""
    here.do(
        "alter table spotify_artists add column one json, add column other jsonb",
        f"insert into spotify_artists (artist_id, one, other) values ('a', '{text}', '{text}'), ('b', null, null)",
    )
    here.extract()
    rows = {row["artist_id"]: (row["one"], row["other"]) for row in here.bronze("spotify_artists")}
    assert rows == {"a": (text.replace("''", "'"),) * 2, "b": (None, None)}


@SERVERS
def test_text_is_kept_byte_for_byte(open_house: Callable, server: str, request) -> None:
    here = open_house(request.getfixturevalue("mariadb").fresh() if server == "mariadb" else None)
    names = [
        "112",
        "NULL",
        "it's",
        'a "b"',
        "back\\slash \\n",
        "two\nlines\r\n",
        "🎧 Ünï",
        "%s %(x)s :y",
        " edge ",
        "",
        "\x1f\x1e",
    ]
    with here.connected() as connection:
        insert = sa.text("insert into spotify_artists (artist_id, name) values (:key, :name)")
        connection.execute(insert, [{"key": f"k{i} '\\%:{i}", "name": name} for i, name in enumerate(names)])
    here.extract()
    assert here.silver("spotify_artists", "artist_id", "name") == here.source("spotify_artists", "artist_id", "name")
    assert len(here.silver("spotify_artists", "artist_id")) == len(names)


def test_a_number_that_does_not_fit_stops_its_table_alone(open_house: Callable) -> None:
    here = open_house(artists=FULL)
    here.do("insert into spotify_artists (artist_id, followers) values ('a', 'many')")
    here.do("insert into spotify_albums (album_id, name) values ('b', 'B')")
    done = here.extract()
    assert "spotify_artists.followers holds what is no int64" in str(done["spotify_artists"].problem)
    assert (done["spotify_artists"].state, done["spotify_albums"].rows) == ("stopped", 1)
    assert here.silver("spotify_albums", "name") == [("B",)]
    here.do("update spotify_artists set followers = 7")
    assert here.extract()["spotify_artists"].rows == 1
    assert here.silver("spotify_artists", "followers") == [(7,)]


@pytest.mark.servers
def test_a_wrong_password_is_one_paragraph_without_the_password(open_house: Callable, mariadb) -> None:
    here = open_house(mariadb.fresh())
    url = sa.make_url(here.url).set(username="nobody", password="secret%word").render_as_string(hide_password=False)
    with pytest.raises(Problem) as told:
        extract(here.pipeline(), url)
    assert "Access denied" in str(told.value)
    assert "SOURCES__CATALOG__CREDENTIALS" in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.servers
def test_a_password_of_odd_characters_reads_as_well(open_house: Callable, mariadb) -> None:
    here = open_house(mariadb.fresh())
    name = sa.make_url(here.url).database
    here.do(
        "create or replace user 'odd'@'%' identified by 'p@ss/w:o%rd#? +'", f"grant select on {name}.* to 'odd'@'%'"
    )
    here.do("insert into spotify_artists (artist_id) values ('a')")
    here.url = (
        sa.make_url(here.url).set(username="odd", password="p@ss/w:o%rd#? +").render_as_string(hide_password=False)
    )
    assert here.extract()["spotify_artists"].rows == 1


def test_a_missing_table_stops_alone(open_house: Callable) -> None:
    here = open_house()
    here.do("drop table spotify_albums", "insert into spotify_artists (artist_id) values ('a')")
    done = here.extract()
    assert "no table spotify_albums" in str(done["spotify_albums"].problem)
    assert done["spotify_artists"].state == "loaded"
    assert not here.nothing_new()


def test_a_missing_file_and_a_url_that_is_none_are_explained(open_house: Callable, tmp_path: Path) -> None:
    here = open_house()
    with pytest.raises(Problem, match="does not exist"):
        extract(here.pipeline(), f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(UsageProblem, match="SOURCES__CATALOG__CREDENTIALS"):
        extract(here.pipeline(), "no url")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Default(strategy="often"), "STRATEGY is 'often'"),
        (Default(strategy="watermark", cursor="nope"), "CURSOR must name a column"),
        (Default(strategy="partition"), "PARTITION must name a column"),
    ],
)
def test_a_wrong_setting_names_its_variable(open_house: Callable, settings: Default, said: str) -> None:
    here = open_house(artists=settings)
    problem = here.extract()["spotify_artists"].problem
    assert isinstance(problem, UsageProblem)
    assert f"SOURCES__CATALOG__SPOTIFY_ARTISTS__{said}" in str(problem)


def test_the_cursor_arrives_as_utc(open_house: Callable) -> None:
    here = open_house()
    here.do("insert into spotify_artists (artist_id, updated_at) values ('a', '2026-01-02 03:04:05.000006')")
    here.extract()
    assert here.silver("spotify_artists", "updated_at") == [(datetime(2026, 1, 2, 3, 4, 5, 6, UTC),)]


@SERVERS
def test_a_column_that_changes_its_type_goes_on_beside_the_old_one(open_house: Callable, server: str, request) -> None:
    here = open_house(request.getfixturevalue("mariadb").fresh() if server == "mariadb" else None)
    here.do("alter table spotify_artists add column mood bigint")
    here.do("insert into spotify_artists (artist_id, mood) values ('a', 1)")
    here.extract()
    here.do("alter table spotify_artists drop column mood", "alter table spotify_artists add column mood varchar(9)")
    here.do("update spotify_artists set mood = 'glad'")
    here.extract()
    rows = here.bronze("spotify_artists")
    assert [(row.get("mood"), row.get("mood__v_text")) for row in rows] == [(1, None), (None, "glad")]
    assert here.nothing_new()
