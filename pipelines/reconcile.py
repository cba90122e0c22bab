"""Reconciliation: what each station holds of each table, counted by rows and by a checksum of keys.

From the source to the published table every station is asked the same question under the same upper bound. A station
that differs from the one before, without a reason that is written down here, makes the audit red.

Data flow: build database (bronze, silver, gold), warehouse -> ops.reconciliation
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.warehouse import Reconciliation
from sources.problem import RedAudit

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("lakehouse.reconcile")
CATALOG = ("spotify_tracks", "spotify_albums", "spotify_artists")
POLLS = ("spotify_api__plays", "spotify_api__polls")
"""What a poll brings: its plays, and which plays it named."""


@dataclass(frozen=True)
class Station:
    """One station of a table: a query that gives `rows` and `key_checksum`; null rows were not counted."""

    table: str
    name: str
    query: str


def _keys(query: str) -> str:
    """Rows and checksum of a query that gives one text column `key`."""
    number = "cast('0x' || md5(key)[1:15] as ubigint)"
    return f"select count(*) as rows, cast(coalesce(sum({number}), 0) as decimal(38, 0)) as key_checksum from ({query})"


def _catalog(table: str, key: str, model: str, dimension: str) -> tuple[Station, ...]:
    newest = f"""
        select table_rows as rows, table_checksum as key_checksum from bronze.catalog__extracts
        where table_name = '{table}' and is_complete order by cast(_dlt_load_id as double) desc limit 1
    """
    live = f"""
        with loads as (
            select partition, lower_bound, cast(_dlt_load_id as double) as load from bronze.catalog__extracts
            where table_name = '{table}' and is_complete
        ),
        base as (select coalesce(max(load), 0) as load from loads where lower_bound is null and partition is null),
        parts as (select partition, max(load) as load from loads where partition is not null group by partition),
        held as (
            select rows.{key} as key, max(cast(rows._dlt_load_id as double)) as load
            from bronze.catalog__{table} as rows
            left join parts on rows._partition = parts.partition
            where rows.{key} is not null and cast(rows._dlt_load_id as double) >= (select load from base)
            and (rows._partition is null or cast(rows._dlt_load_id as double) = parts.load)
            group by 1
        ),
        lost as (
            select key, max(cast(_dlt_load_id as double)) as load from bronze.catalog__tombstones
            where table_name = '{table}' group by key
        )
        select held.key from held left join lost on held.key = lost.key and lost.load >= held.load
        where lost.key is null
    """
    gold = f"select {key} as key from gold.{dimension} where {key} in (select {key} from silver.{model})"
    return (
        Station(table, "source", newest),
        Station(table, "bronze", _keys(live)),
        Station(table, "silver", _keys(f"select {key} as key from silver.{model}")),
        Station(table, "gold", _keys(gold)),
        Station(table, "published", _keys(gold)),
    )


POLLED = "select distinct unnest(from_json(item_keys, '[\"varchar\"]')) as key from bronze.spotify_api__polls"
OFFERED = """
    select distinct strftime(played_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%g') || 'Z|' || track_uri as key
    from bronze.spotify_api__plays
"""
FIRST_IMPORTS = """
    select file_id, row_count, _dlt_load_id from bronze.spotify_export__files
    qualify row_number() over (partition by file_id order by cast(_dlt_load_id as double), archive, file) = 1
"""
"""A file that two packages brought counts once, in silver as well: a second machine may have imported it meanwhile."""
FILES = f"select coalesce(sum(row_count), 0) as rows, null as key_checksum from ({FIRST_IMPORTS})"
LINES = " union all ".join(
    f"select file_id, _dlt_load_id from bronze.spotify_export__{table}"
    for table in (
        *("streams", "account_streams", "lastfm_scrobbles", "listenbrainz_listens"),
        "rejects where row_number is not null",
    )
)
IMPORTED = f"""
    with files as ({FIRST_IMPORTS}), lines as ({LINES})
    select count(*) as rows, null as key_checksum from lines semi join files using (file_id, _dlt_load_id)
"""
TOLD = """
    select matches.play_key as key from silver.int_play_matches as matches
    join silver.int_observations as best
        on matches.play_key = best.observation_key and matches.observation_key = best.observation_key
    where best.content = 'music' and not best.is_repeat and not best.is_incognito
"""
"""The plays that the rows of all feeds tell of, asked of the rows themselves before any model makes plays of them."""
BALANCE = "select coalesce(sum(rows), 0) as rows, null as key_checksum from gold.import_balance"
STATIONS = (
    *_catalog("spotify_tracks", "track_id", "stg_catalog__tracks", "dim_tracks"),
    *_catalog("spotify_albums", "album_id", "stg_catalog__albums", "dim_albums"),
    *_catalog("spotify_artists", "artist_id", "stg_catalog__artists", "dim_artists"),
    Station("recently_played", "source", _keys(POLLED)),
    Station("recently_played", "bronze", _keys(OFFERED)),
    Station("streaming_history", "source", FILES),
    Station("streaming_history", "bronze", IMPORTED),
    Station("streaming_history", "gold", BALANCE),
    Station("streaming_history", "published", BALANCE),
    Station("plays", "bronze", _keys(TOLD)),
    Station("plays", "silver", _keys("select play_id as key from silver.int_plays_unified")),
    Station("plays", "gold", _keys("select play_id as key from gold.fct_plays")),
    Station("plays", "published", _keys("select play_id as key from gold.fct_plays")),
)


def count(connection: "duckdb.DuckDBPyConnection", run_id: str, absent: Sequence[str] = ()) -> list[Reconciliation]:
    """Ask every station but `published`, in the build database; one that was not counted is left out.

    Args:
        connection: The build database.
        run_id: The run that asks.
        absent: Bronze tables that files are lost or held back of: why bronze may hold less than the source.
    """
    explained = {table for view in absent for table in _touched(view)}
    rows = _compared(_asked(connection, run_id, is_published=False))
    return [replace(row, explained=row.explained or _is_after_loss(row, explained)) for row in rows]


def _touched(view: str) -> tuple[str, ...]:
    """Tables of the reconciliation that a bronze table tells of."""
    source, _, table = view.partition("__")
    if source == "catalog":
        return (table,) if table in CATALOG else CATALOG
    if source == "spotify_export":
        return ("streaming_history",)
    return ("recently_played",) if view in POLLS else ()


def _is_after_loss(row: Reconciliation, tables: set[str]) -> bool:
    # imported rows go straight from bronze to gold; where their file's record is lost, gold leaves them out
    stations = ("bronze", "gold") if row.table_name == "streaming_history" else ("bronze",)
    return row.table_name in tables and row.station in stations


def count_published(connection: "duckdb.DuckDBPyConnection", before: Sequence[Reconciliation]) -> list[Reconciliation]:
    """Ask the published tables, and compare them with the stations before."""
    asked = _asked(connection, before[0].run_id, is_published=True)
    return [row for row in _compared([*before, *asked]) if row.station == "published"]


def demand(rows: Sequence[Reconciliation]) -> None:
    """Make sure that all stations agree.

    Raises:
        RedAudit: One does not; nothing may be published, or what is published is not what was audited.
    """
    faults = [f"{row.table_name} has {row.rows:,} rows in {row.station}" for row in rows if not row.explained]
    if not faults:
        return
    told = "; ".join(faults[:3])
    if any(row.station == "published" for row in rows):
        raise RedAudit(
            f"Gold is published, but what readers see does not agree with what was audited: {told}. "
            "See ops.reconciliation; `rollback` shows readers the gold of before."
        )
    raise RedAudit(f"The stations do not agree and nothing was published: {told}. See ops.reconciliation.")


def _asked(connection: "duckdb.DuckDBPyConnection", run_id: str, *, is_published: bool) -> list[Reconciliation]:
    asked = []
    for station in STATIONS:
        if (station.name == "published") == is_published:
            rows, checksum = connection.execute(station.query).fetchone() or (0, 0)
            if rows is not None:
                number = None if checksum is None else int(checksum)
                asked.append(Reconciliation(run_id, station.table, station.name, int(rows), number, explained=True))
    return asked


def _compared(rows: Sequence[Reconciliation]) -> list[Reconciliation]:
    before: dict[str, Reconciliation] = {}
    compared = []
    for row in rows:
        last = before.get(row.table_name, row)
        agrees = (last.rows == row.rows and None in (last.key_checksum, row.key_checksum)) or _same(last, row)
        compared.append(replace(row, explained=agrees))
        before[row.table_name] = row
    return compared


def _same(one: Reconciliation, other: Reconciliation) -> bool:
    return (one.rows, one.key_checksum) == (other.rows, other.key_checksum)
