"""Each strategy: what changes at the source arrives, what is gone leaves, and nothing new loads nothing."""

from collections.abc import Callable, Iterator

import pytest

from sources.catalog.choice import Default
from sources.catalog.reader import Reader
from sources.problem import UsageProblem

FULL = Default(strategy="full")
WATERMARK = Default(strategy="watermark")
PARTITION = Default(strategy="partition", partition="updated_at")
EVERY = pytest.mark.parametrize("strategy", [FULL, WATERMARK, PARTITION], ids=["full", "watermark", "partition"])
POSTGRES = pytest.param("postgres", marks=pytest.mark.servers)
MARIADB = pytest.param("mariadb", marks=pytest.mark.servers)
SERVERS = pytest.mark.parametrize("server", ["sqlite", MARIADB])
EVERYWHERE = pytest.mark.parametrize(
    "server", ["sqlite", MARIADB, pytest.param("postgres", marks=[pytest.mark.servers, pytest.mark.long])]
)


def artist(key: str, name: str = "x", updated_at: str | None = None) -> str:
    cells = {"artist_id": key, "name": name, **({"updated_at": updated_at} if updated_at else {})}
    values = ", ".join(f"'{value}'" for value in cells.values())
    return f"insert into spotify_artists ({', '.join(cells)}) values ({values})"


@pytest.fixture
def house(server, open_house: Callable, request: pytest.FixtureRequest):
    url = None if server == "sqlite" else request.getfixturevalue(server).fresh()
    return lambda strategy: open_house(url, artists=strategy)


@pytest.mark.parametrize("server", ["sqlite", MARIADB, POSTGRES])
@EVERY
def test_inserts_updates_and_deletes_arrive_and_a_quiet_run_loads_nothing(house, strategy: Default) -> None:
    here = house(strategy)
    here.do(*(artist(f"a{i}", updated_at=f"2026-01-0{i} 10:00:00.000001") for i in range(1, 10)))
    assert here.extract()["spotify_artists"].rows == 9
    here.check()
    assert here.nothing_new()
    here.do("update spotify_artists set name = 'changed' where artist_id = 'a3'")
    here.do(artist("b1"), "delete from spotify_artists where artist_id in ('a5', 'a6')")
    assert not here.nothing_new()
    done = here.extract()
    assert done["spotify_artists"].state == "loaded"
    assert done["spotify_tracks"].state == "unchanged"
    here.check()
    assert here.nothing_new()
    assert {one.state for one in here.extract().values()} == {"unchanged"}
    last = here.extracts("spotify_artists")[-1]
    assert last["table_rows"] == 8


@SERVERS
@EVERY
def test_a_key_that_comes_back_is_back(house, strategy: Default) -> None:
    here = house(strategy)
    here.do(artist("a1"), artist("a2"), artist("a3"))
    here.extract()
    here.do("delete from spotify_artists where artist_id = 'a2'")
    here.extract()
    here.check()
    here.do(artist("a2", "again"))
    here.extract()
    here.check()


@EVERY
def test_an_emptied_table_is_emptied_only_when_that_is_allowed(open_house, strategy: Default) -> None:
    here = open_house(artists=strategy)
    here.do(*(artist(f"a{i}") for i in range(4)), "insert into spotify_tracks (track_id) values ('t')")
    here.extract()
    here.do("delete from spotify_artists", "insert into spotify_tracks (track_id) values ('u')")
    done = here.extract()
    assert done["spotify_artists"].state == "stopped"
    assert "SOURCES__CATALOG__SPOTIFY_ARTISTS__ALLOW_SHRINK" in str(done["spotify_artists"].problem)
    assert "0 rows where it had 4" in str(done["spotify_artists"].problem)
    assert done["spotify_tracks"].state == "loaded"
    assert len(here.silver("spotify_artists", "artist_id")) == 4
    here.settings["spotify_artists"] = Default(
        strategy.strategy, strategy.cursor, strategy.partition, allow_shrink=True
    )
    here.extract()
    here.check()
    assert here.silver("spotify_artists", "artist_id") == []


@EVERYWHERE
def test_rows_that_come_late_at_the_same_timestamp_are_found_and_loaded_once(house, server: str) -> None:
    here = house(WATERMARK)
    now = "2026-05-01 00:00:00.123456"
    here.do(artist("a1", updated_at=now), artist("a2", updated_at=now))
    here.extract()
    here.do(artist("a3", updated_at=now))
    here.extract()
    here.check()
    assert here.nothing_new()
    here.do(f"update spotify_artists set name = 'same moment', updated_at = '{now}' where artist_id = 'a1'")
    here.extract()
    here.check()
    assert here.nothing_new()


@SERVERS
def test_a_row_committed_late_behind_the_bound_is_found(house, server: str) -> None:
    here = house(WATERMARK)
    here.do(artist("a1", updated_at="2026-05-01 00:00:00"), artist("a2", updated_at="2026-05-09 00:00:00"))
    here.extract()
    here.do(artist("late", updated_at="2026-05-02 00:00:00"))
    here.do("update spotify_artists set name = 'late', updated_at = '2026-05-03 00:00:00' where artist_id = 'a1'")
    assert here.extract()["spotify_artists"].rows == 2
    here.check()
    assert here.nothing_new()


def test_a_delete_and_a_change_in_one_run_bring_one_row_and_one_tombstone(open_house) -> None:
    here = open_house(artists=WATERMARK)
    here.do(*(artist(f"a{i}") for i in range(100)))
    here.extract()
    here.do(
        "delete from spotify_artists where artist_id = 'a7'",
        "update spotify_artists set name = 'y' where artist_id = 'a8'",
    )
    done = here.extract()["spotify_artists"]
    assert (done.rows, done.tombstones) == (1, 1)
    assert [stone["key"] for stone in here.bronze("tombstones")] == ["a7"]
    here.check()


@SERVERS
def test_rows_without_a_cursor_are_not_lost_and_not_loaded_for_ever(house, server: str) -> None:
    here = house(Default(strategy="watermark", cursor="followers"))
    here.do(artist("a1"), "update spotify_artists set followers = 5", artist("a2"))
    here.extract()
    here.check()
    assert here.nothing_new()
    here.do(artist("a3"), "update spotify_artists set name = 'changed' where artist_id = 'a2'")
    here.extract()
    here.check()
    here.do("update spotify_artists set followers = null where artist_id = 'a1'")
    here.extract()
    here.check()
    here.do("delete from spotify_artists where artist_id = 'a2'")
    here.extract()
    here.check()
    assert here.nothing_new()


@pytest.mark.servers
@pytest.mark.parametrize("collation", ["utf8mb4_bin", "utf8mb4_unicode_ci", "utf8mb4_general_ci"])
def test_a_cursor_of_texts_may_have_accents_in_any_collation(open_house: Callable, mariadb, collation: str) -> None:
    here = open_house(mariadb.fresh(), artists=Default("watermark", cursor="edition"))
    here.do(
        f"alter table spotify_artists add column edition varchar(20) collate {collation}",
        "insert into spotify_artists (artist_id, edition) values ('a', 'é1'), ('b', 'zé')",
    )
    here.extract()
    assert here.nothing_new()
    here.do("insert into spotify_artists (artist_id, edition) values ('c', 'zé''2')")
    assert here.extract()["spotify_artists"].rows == 1
    here.check()
    assert here.nothing_new()


@EVERYWHERE
@pytest.mark.parametrize(("kind", "value"), [("bigint", "1767225600"), ("varchar(30)", "'2026-01-01T00:00:00Z'")])
def test_a_cursor_that_the_lake_keeps_as_another_kind_is_refused(house, server: str, kind: str, value: str) -> None:
    here = house(WATERMARK)
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists (artist_id varchar(9) primary key, name varchar(9), updated_at {kind})",
        f"insert into spotify_artists values ('a', 'n', {value})",
        "insert into spotify_albums (album_id) values ('b')",
    )
    done = here.extract()
    assert isinstance(done["spotify_artists"].problem, UsageProblem)
    assert "SOURCES__CATALOG__SPOTIFY_ARTISTS__CURSOR names updated_at" in str(done["spotify_artists"].problem)
    assert done["spotify_albums"].rows == 1


@SERVERS
@pytest.mark.parametrize("value", ["'2026-01-0{}T00:00:00Z'", "'2026-01-0{}'", "1844674407370955160{}"])
def test_a_cursor_may_be_any_text_and_any_whole_number(house, server: str, value: str) -> None:
    if server == "sqlite" and value.startswith("1"):
        value = value[1:]  # the largest numbers that it has are signed
    here = house(Default("watermark", cursor="seen"))
    here.do(
        "drop table spotify_artists",
        "create table spotify_artists (artist_id varchar(9) primary key, name varchar(9), track_id varchar(9), "
        f"seen {'bigint unsigned' if value[0].isdigit() else 'varchar(30)'})",
        *(f"insert into spotify_artists values ('a{i}', 'n', null, {value.format(i)})" for i in range(1, 6)),
    )
    here.extract()
    assert here.nothing_new()
    here.do(
        "delete from spotify_artists where artist_id = 'a2'",
        f"insert into spotify_artists values ('late', 'n', null, {value.format(2)})",
        "insert into spotify_artists values ('none', 'n', null, null)",
    )
    done = here.extract()["spotify_artists"]
    assert (done.rows, done.tombstones) == (2, 1)
    here.check("spotify_artists")
    assert here.nothing_new()


@SERVERS
def test_an_emptied_date_leaves_and_only_changed_dates_are_read(house, server: str) -> None:
    here = house(Default(strategy="partition", partition="updated_at"))
    here.do(*(artist(f"a{d}{i}", updated_at=f"2026-01-0{d} 0{i}:00:00") for d in range(1, 5) for i in range(3)))
    here.extract()
    here.check()
    here.do(
        "delete from spotify_artists where artist_id like 'a2%'", "delete from spotify_artists where artist_id = 'a31'"
    )
    done = here.extract()["spotify_artists"]
    assert done.rows == 2
    here.check()
    said = {row["partition"]: row["row_count"] for row in here.extracts("spotify_artists")[-2:]}
    assert said == {"2026-01-02": 0, "2026-01-03": 2}
    assert here.nothing_new()


@pytest.mark.servers
@pytest.mark.parametrize(
    "strategy", [PARTITION, Default("partition", partition="seen_at")], ids=["datetime", "instant"]
)
def test_changes_of_a_day_arrive_from_a_server_in_any_zone(open_house: Callable, mariadb, strategy: Default) -> None:
    here = open_house(mariadb.fresh(), artists=strategy)
    before = here.ask("select @@global.time_zone")[0][0]
    here.do("set global time_zone = '+05:00'")
    try:
        here.do(
            "alter table spotify_artists add column seen_at timestamp null",
            *(artist(f"a{i}", updated_at=f"2026-01-01 {i:02}:30:00") for i in range(24)),
            *(artist(f"b{i}", updated_at=f"2026-01-02 {i:02}:30:00") for i in range(24)),
            "update spotify_artists set seen_at = updated_at, updated_at = updated_at",
        )
        here.extract()
        here.check()
        here.do("update spotify_artists set name = 'changed', updated_at = updated_at where artist_id = 'a23'")
        here.do("delete from spotify_artists where artist_id = 'b23'")
        assert here.extract()["spotify_artists"].rows == 47
        here.check()
        assert {row["_partition"] for row in here.bronze("spotify_artists")} == {"2026-01-01", "2026-01-02"}
        assert here.nothing_new()
    finally:
        here.do(f"set global time_zone = '{before}'")


def test_a_date_that_changes_while_it_is_read_is_read_again(open_house: Callable, monkeypatch) -> None:
    here = open_house(artists=PARTITION)
    here.do(*(artist(f"a{day}{i}", updated_at=f"2026-01-0{day} 10:00:00") for day in (1, 2) for i in range(4)))
    here.extract()
    here.do(
        "drop trigger spotify_artists_touch",
        "update spotify_artists set name = 'y' where artist_id in ('a11', 'a21')",
    )
    rename = "update spotify_artists set artist_id = '{}' where artist_id = '{}'"

    class Disturbed(Reader):
        def pages(self, where: str | None, rows: int | None) -> Iterator:
            here.do(rename.format("other", "a12"))
            yield from Reader(self.engine, self.choice, self.layout).pages(where, rows)
            here.do(rename.format("a12", "other"))

    with monkeypatch.context() as patched:
        patched.setattr("sources.catalog.loader.Reader", Disturbed)
        assert here.extract()["spotify_artists"].rows == 8
    assert not here.nothing_new()
    assert here.extract()["spotify_artists"].rows == 4
    here.check()
    assert here.nothing_new()


@EVERYWHERE
def test_rows_without_a_date_are_a_partition_of_their_own(house, server: str) -> None:
    here = house(Default(strategy="partition", partition="track_name_prev"))
    here.do(
        artist("a1"), artist("a2"), "update spotify_artists set track_name_prev = '2026-02-03' where artist_id = 'a1'"
    )
    here.extract()
    here.check()
    assert {row["_partition"] for row in here.bronze("spotify_artists")} == {"2026-02-03", "null"}
    here.do("update spotify_artists set track_name_prev = '2001' where artist_id = 'a1'")
    here.extract()
    here.check()
    assert here.extracts("spotify_artists")[-1]["row_count"] == 2


@EVERY
def test_an_empty_machine_goes_on_from_the_lake(open_house, strategy: Default) -> None:
    import shutil

    here = open_house(artists=strategy)
    here.do(*(artist(f"a{i}") for i in range(9)))
    here.extract()
    shutil.rmtree(here.folder / "pipelines")
    assert not here.nothing_new()
    assert {done.state for done in here.extract().values()} == {"unchanged"}
    shutil.rmtree(here.folder / "pipelines")
    here.do(artist("b"), "delete from spotify_artists where artist_id = 'a1'")
    here.extract()
    here.check()


def test_a_lake_that_is_lost_is_filled_again(open_house) -> None:
    import shutil

    here = open_house()
    here.do(artist("a1"), artist("a2"))
    here.extract()
    shutil.rmtree(here.folder / "lake")
    here.extract()
    here.check()


def test_another_strategy_starts_with_a_new_base(open_house) -> None:
    here = open_house(artists=FULL)
    here.do(*(artist(f"a{i}") for i in range(5)))
    for turn, strategy in enumerate((FULL, WATERMARK, Default("watermark", cursor="followers"), PARTITION, FULL)):
        here.settings["spotify_artists"] = strategy
        here.do(
            "delete from spotify_artists where artist_id = (select min(artist_id) from spotify_artists)",
            artist(f"b{turn}"),
        )
        here.extract()
        here.check()
        assert here.extracts("spotify_artists")[-1]["strategy"] == strategy.strategy
        assert here.nothing_new()


@EVERY
def test_full_refresh_makes_a_new_base_of_its_table_alone(open_house, strategy: Default) -> None:
    here = open_house(artists=strategy)
    here.do(artist("a1"), artist("a2"))
    here.extract()
    done = here.extract(full_refresh=frozenset({"spotify_artists"}))
    assert {name: one.state for name, one in done.items()} == {
        "spotify_tracks": "unchanged",
        "spotify_albums": "unchanged",
        "spotify_artists": "loaded",
    }
    assert done["spotify_artists"].rows == 2
    here.check()


@SERVERS
@pytest.mark.parametrize("strategy", [WATERMARK, PARTITION], ids=["watermark", "partition"])
def test_a_backfill_reads_its_days_again(house, server: str, strategy: Default) -> None:
    from datetime import date

    here = house(strategy)
    here.do(*(artist(f"a{i}", updated_at=f"2026-01-0{i} 10:00:00") for i in range(1, 8)))
    here.extract()
    done = here.extract(backfill=(date(2026, 1, 3), date(2026, 1, 5)))["spotify_artists"]
    assert (done.state, done.rows) == ("loaded", 3)
    here.check()
    assert here.nothing_new()


@EVERYWHERE
def test_a_backfill_by_a_whole_number_stops_its_table_alone(house, server: str) -> None:
    from datetime import date

    here = house(Default("watermark", cursor="followers"))
    here.do(
        *(f"insert into spotify_artists (artist_id, followers) values ('a{i}', {i})" for i in (1, 2025, 2026, 2027))
    )
    here.do("insert into spotify_tracks (track_id, updated_at) values ('t', '2026-01-02 10:00:00')")
    here.extract()
    done = here.extract(backfill=(date(2026, 1, 1), date(2026, 1, 3)))
    problem = done["spotify_artists"].problem
    assert isinstance(problem, UsageProblem)
    assert "--backfill takes days, and followers" in str(problem)
    assert (done["spotify_tracks"].state, done["spotify_tracks"].rows) == ("loaded", 1)
    assert here.nothing_new()


def test_the_default_is_the_watermark_where_the_table_has_an_indexed_cursor(open_house, tmp_path) -> None:
    here = open_house()
    here.do("drop index spotify_albums_by_updated_at")
    assert {name: one.strategy for name, one in here.extract().items()} == {
        "spotify_tracks": "watermark",
        "spotify_albums": "full",
        "spotify_artists": "watermark",
    }
