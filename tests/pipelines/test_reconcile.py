"""Stations that differ make the audit red, but for differences with a reason."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from pipelines import reconcile
from pipelines.bronze import declared_tables
from pipelines.duck import quote
from pipelines.warehouse import Reconciliation
from sources.problem import RedAudit
from sources.table import LOAD_ID

LATER = {
    "silver.stg_catalog__tracks": "track_id varchar",
    "silver.stg_catalog__albums": "album_id varchar",
    "silver.stg_catalog__artists": "artist_id varchar",
    "silver.int_observations": "observation_key varchar, content varchar, is_repeat boolean, is_incognito boolean",
    "silver.int_play_matches": "observation_key varchar, play_key varchar",
    "silver.int_plays_unified": "play_id varchar",
    "gold.dim_tracks": "track_id varchar",
    "gold.dim_albums": "album_id varchar",
    "gold.dim_artists": "artist_id varchar",
    "gold.fct_plays": "play_id varchar",
    "gold.import_balance": "rows bigint",
}
"""What the stations ask of silver and gold."""
ARTISTS = "spotify_artists"


class House:
    """Every table that a station asks, without a row."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute("set timezone = 'UTC'; create schema bronze; create schema silver; create schema gold")
        for view, table in declared_tables().items():
            columns = {**table.columns, LOAD_ID: "varchar"}
            told = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
            connection.execute(f"create table bronze.{view} ({told})")
        for place, columns in LATER.items():
            connection.execute(f"create table {place} ({columns})")

    def add(self, place: str, rows: Iterable[Mapping[str, Any]], load: str | None = None) -> None:
        for row in rows:
            cells = {**row, **({LOAD_ID: load} if load else {})}
            marks = ", ".join("?" * len(cells))
            self.connection.execute(f"insert into {place} ({', '.join(cells)}) values ({marks})", list(cells.values()))

    def artists(self, keys: str, load: str, **extract: Any) -> None:
        """One load package of artists, which silver and gold hold as well."""
        self.add(f"bronze.catalog__{ARTISTS}", [{"artist_id": key} for key in keys], load)
        for place in ("silver.stg_catalog__artists", "gold.dim_artists"):
            self.add(place, [{"artist_id": key} for key in keys])
        self.add("bronze.catalog__extracts", [{"table_name": ARTISTS, "is_complete": True} | extract], load)

    def count(self, *absent: str) -> list[Reconciliation]:
        return reconcile.count(self.connection, "run", absent)

    def told(self, table: str, *absent: str) -> dict[str, tuple[int, bool]]:
        """Rows by station of a table, and whether they are explained."""
        return {row.station: (row.rows, row.explained) for row in self.count(*absent) if row.table_name == table}


@pytest.fixture
def house() -> Iterator[House]:
    with duckdb.connect() as connection:
        yield House(connection)


def test_an_empty_lake_agrees(house: House) -> None:
    reconcile.demand(house.count())


def test_a_source_that_was_not_counted_is_left_out_and_the_others_still_have_to_agree(house: House) -> None:
    house.artists("ab", "1.0", table_rows=2)
    house.artists("c", "2.0", lower_bound="2026", table_rows=None)
    rows = house.count()
    reconcile.demand(rows)
    assert house.told(ARTISTS) == {"bronze": (3, True), "silver": (3, True), "gold": (3, True)}
    published = [row for row in reconcile.count_published(house.connection, rows) if row.table_name == ARTISTS]
    assert [(row.station, row.rows, row.explained) for row in published] == [("published", 3, True)]
    house.connection.execute("delete from silver.stg_catalog__artists where artist_id = 'c'")
    with pytest.raises(RedAudit, match="spotify_artists has 2 rows in silver"):
        reconcile.demand(house.count())


def test_a_row_without_its_id_is_no_artist(house: House) -> None:
    house.artists("ab", "1.0", table_rows=2)
    house.add(f"bronze.catalog__{ARTISTS}", [{"name": "nobody"}], "1.0")
    reconcile.demand(house.count())


@pytest.mark.parametrize("table", ["streams", "account_streams", "lastfm_scrobbles", "listenbrainz_listens", "rejects"])
def test_a_file_that_two_load_packages_brought_counts_once(house: House, table: str) -> None:
    for load in ("9.0", "10.0"):
        file = {"file_id": "f", "archive": "a", "file": "x", "row_count": 3}
        house.add("bronze.spotify_export__files", [file], load)
        lines = [{"file_id": "f", "row_number": number} for number in (1, 2, 3)]
        house.add(f"bronze.spotify_export__{table}", lines, load)
    house.add("gold.import_balance", [{"rows": 3}])
    reconcile.demand(house.count())
    assert house.told("streaming_history") == {"source": (3, True), "bronze": (3, True), "gold": (3, True)}
    house.connection.execute(
        f"delete from bronze.spotify_export__{table} where _dlt_load_id = '9.0' and row_number = 2"
    )
    assert house.told("streaming_history")["bronze"] == (2, False)


START = datetime(2026, 1, 1, tzinfo=UTC)


def poll(house: House, plays: Iterable[int], known: Iterable[int] = ()) -> None:
    """A poll whose page names plays that are new and plays that were known."""
    moments = {number: START + timedelta(minutes=number) for number in (*known, *plays)}
    keys = [f"{at:%Y-%m-%dT%H:%M:%S}.000Z|spotify:track:{number}" for number, at in moments.items()]
    house.add("bronze.spotify_api__polls", [{"item_keys": json.dumps(keys)}], "1.0")
    rows = [{"played_at": moments[number], "track_uri": f"spotify:track:{number}"} for number in plays]
    house.add("bronze.spotify_api__plays", rows, "1.0")


@pytest.mark.parametrize("absent", ["spotify_api__plays", "spotify_api__polls"])
def test_plays_that_a_poll_names_and_that_are_held_back_are_explained(house: House, absent: str) -> None:
    poll(house, range(10))
    poll(house, [30], known=range(5, 30))  # 10 to 29 are in a package that is held back
    assert house.told("recently_played") == {"source": (31, True), "bronze": (11, False)}
    assert house.told("recently_played", "spotify_api__tracks")["bronze"] == (11, False)
    assert house.told("recently_played", absent)["bronze"] == (11, True)
    reconcile.demand(house.count(absent))


def heard(house: House, feed: str, keys: Iterable[str], **told: Any) -> None:
    """Observations of a feed, each of them a play or another word for that of the first feed."""
    observation = {"content": "music", "is_repeat": False, "is_incognito": False} | told
    house.add("silver.int_observations", [observation | {"observation_key": f"{feed}-{key}"} for key in keys])
    matches = [{"observation_key": f"{feed}-{key}", "play_key": f"first-{key}"} for key in keys]
    house.add("silver.int_play_matches", matches)


def test_plays_that_are_lost_before_or_in_silver_are_red_though_gold_agrees_with_silver(house: House) -> None:
    heard(house, "first", "abcd")
    heard(house, "second", "ab")
    heard(house, "first", "e", is_incognito=True)
    heard(house, "first", "f", content="podcast")
    for place in ("silver.int_plays_unified", "gold.fct_plays"):
        house.add(place, [{"play_id": f"first-{key}"} for key in "abcd"])
    assert house.told("plays") == {"bronze": (4, True), "silver": (4, True), "gold": (4, True)}
    for place in ("silver.int_plays_unified", "gold.fct_plays"):
        house.connection.execute(f"delete from {place} where play_id in ('first-c', 'first-d')")
    with pytest.raises(RedAudit, match="plays has 2 rows in silver"):
        reconcile.demand(house.count())
