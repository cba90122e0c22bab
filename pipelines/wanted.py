"""What the Spotify API should be asked for: every object that plays name and bronze does not hold, most played first.

Computed from bronze before a poll, so that the first run already spends its budget well, and kept beside the lake's
digest: while no file is added, a poll costs no query. What the plays of a page name is asked of bronze as well, since
the source itself remembers only the objects that it fetched last.

Data flow: Snapshot (plays, streams, fetched objects) -> ordered (table, id) pairs that are wanted; pairs that are held
"""

from collections.abc import Iterable, Iterator

from pipelines.bronze import over_bronze
from pipelines.kept import kept
from pipelines.lake import Snapshot
from pipelines.settings import Settings

OBJECTS = ("tracks", "albums", "artists", "audio_features")
OBJECT_VIEWS = tuple(f"spotify_api__{kind}" for kind in OBJECTS)
VIEWS = ("spotify_api__plays", *OBJECT_VIEWS, "catalog__spotify_tracks", "spotify_export__streams")
LIMIT = 5_000
QUERY = f"""
with played as (
    select track_id as id, try_cast(payload as json) as payload from bronze.spotify_api__plays
    where track_id is not null
    union all
    select split_part(spotify_track_uri, ':', 3), null from bronze.spotify_export__streams
    where spotify_track_uri like 'spotify:track:%'
),
plays as (select id, count(*) as plays from played group by id),
told as (
    select id, try_cast(payload as json) as payload from bronze.spotify_api__tracks where payload is not null
    union all
    select id, payload ->> '$.track' from played where payload is not null
),
albums as (
    select told.payload ->> '$.album.id' as id, max(plays.plays) as plays
    from told inner join plays on told.id = plays.id group by 1
),
performers as (
    select unnest(told.payload ->> '$.artists[*].id') as id, plays.plays
    from told inner join plays on told.id = plays.id
),
artists as (select id, max(plays) as plays from performers group by id),
wanted as (
    select 1 as turn, 'tracks' as kind, id, plays from plays
    where id not in (select id from bronze.spotify_api__tracks)
    union all
    select 2, 'artists', id, plays from artists where id not in (select id from bronze.spotify_api__artists)
    union all
    select 3, 'albums', id, plays from albums where id not in (select id from bronze.spotify_api__albums)
    union all
    select 4, 'audio_features', id, plays from plays
    where id not in (select id from bronze.spotify_api__audio_features)
    and id not in (select track_id from bronze.catalog__spotify_tracks where danceability is not null)
)
select kind, id from wanted where id is not null and id <> '' order by turn, plays desc, id limit {LIMIT}
"""


HELD = " union all ".join(f"select '{kind}', id from bronze.spotify_api__{kind}" for kind in OBJECTS)


def wanted(settings: Settings, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield table and id of what is wanted, tracks first, most played first; nothing is computed until asked."""
    pairs = kept(settings.data_dir / "wanted.json", snapshot, VIEWS, lambda: _ask(settings, snapshot, VIEWS, QUERY))
    yield from (tuple(pair) for pair in pairs)


def held(settings: Settings, snapshot: Snapshot) -> set[tuple[str, str]]:
    """Table and id of every object that bronze holds, those that the API does not know included."""
    return set(_ask(settings, snapshot, OBJECT_VIEWS, HELD))


def _ask(settings: Settings, snapshot: Snapshot, views: Iterable[str], query: str) -> list[tuple[str, str]]:
    with over_bronze(settings.lake, snapshot, views) as connection:
        rows: list[tuple[str, str]] = connection.execute(query).fetchall()
    return rows
