"""The catalog's bronze tables as data.

The three catalog tables have the columns that the original MySQL schema of the tutorial has, so that such a database
is read as it is, and `updated_at` where the source keeps one. `extracts` says what each load covers, and
`tombstones` which keys were found to be gone.
"""

from sources.table import Table

TRACKS = Table(
    "spotify_tracks",
    {
        "number0": "BIGINT",
        "number": "BIGINT",
        "acousticness": "DOUBLE",
        "album_id": "VARCHAR",
        "analysis_url": "VARCHAR",
        "artists_id": "VARCHAR",
        "country": "VARCHAR",
        "danceability": "DOUBLE",
        "disc_number": "BIGINT",
        "duration_ms": "BIGINT",
        "energy": "DOUBLE",
        "href": "VARCHAR",
        "track_id": "VARCHAR",
        "instrumentalness": "DOUBLE",
        "track_key": "BIGINT",
        "liveness": "DOUBLE",
        "loudness": "DOUBLE",
        "mode": "BIGINT",
        "name": "VARCHAR",
        "playlist": "VARCHAR",
        "popularity": "BIGINT",
        "preview_url": "VARCHAR",
        "speechiness": "DOUBLE",
        "tempo": "DOUBLE",
        "time_signature": "BIGINT",
        "track_href": "VARCHAR",
        "track_name_prev": "VARCHAR",
        "track_number": "BIGINT",
        "uri": "VARCHAR",
        "valence": "DOUBLE",
        "type": "VARCHAR",
        "updated_at": "TIMESTAMPTZ",
        "_partition": "VARCHAR",
    },
    ("track_id",),
)
ALBUMS = Table(
    "spotify_albums",
    {
        "number": "BIGINT",
        "album_type": "VARCHAR",
        "artist_id": "VARCHAR",
        "available_markets": "VARCHAR",
        "external_urls": "VARCHAR",
        "href": "VARCHAR",
        "album_id": "VARCHAR",
        "images": "VARCHAR",
        "name": "VARCHAR",
        "release_date": "VARCHAR",
        "release_date_precision": "VARCHAR",
        "total_tracks": "BIGINT",
        "track_id": "VARCHAR",
        "track_name_prev": "VARCHAR",
        "uri": "VARCHAR",
        "type": "VARCHAR",
        "updated_at": "TIMESTAMPTZ",
        "_partition": "VARCHAR",
    },
    ("album_id",),
)
ARTISTS = Table(
    "spotify_artists",
    {
        "number": "BIGINT",
        "artist_popularity": "BIGINT",
        "followers": "BIGINT",
        "genres": "VARCHAR",
        "artist_id": "VARCHAR",
        "name": "VARCHAR",
        "track_id": "VARCHAR",
        "track_name_prev": "VARCHAR",
        "type": "VARCHAR",
        "updated_at": "TIMESTAMPTZ",
        "_partition": "VARCHAR",
    },
    ("artist_id",),
)
CATALOG = (TRACKS, ALBUMS, ARTISTS)
"""What is read from the catalog database."""

VITAL: dict[str, frozenset[str]] = {
    "spotify_tracks": frozenset(
        [
            *("track_id", "name", "album_id", "artists_id", "popularity", "duration_ms", "track_key", "mode"),
            *("time_signature", "danceability", "energy", "loudness", "speechiness", "acousticness"),
            *("instrumentalness", "liveness", "valence", "tempo"),
        ]
    ),
    "spotify_albums": frozenset(
        ("album_id", "name", "artist_id", "album_type", "release_date", "release_date_precision", "total_tracks")
    ),
    "spotify_artists": frozenset(("artist_id", "name", "genres", "artist_popularity", "followers")),
}
"""Columns that published tables are made of."""

EXTRACTS = Table(
    "extracts",
    {
        "table_name": "VARCHAR",
        "strategy": "VARCHAR",
        "partition": "VARCHAR",
        "lower_bound": "VARCHAR",
        "upper_bound": "VARCHAR",
        "row_count": "BIGINT",
        "key_checksum": "DECIMAL(38,0)",
        "is_complete": "BOOLEAN",
        "extracted_at": "TIMESTAMPTZ",
        "table_rows": "BIGINT",
        "table_checksum": "DECIMAL(38,0)",
    },
    ("table_name", "partition", "lower_bound"),
)
TOMBSTONES = Table(
    "tombstones",
    {"table_name": "VARCHAR", "key": "VARCHAR", "found_at": "TIMESTAMPTZ"},
    ("table_name", "key"),
)
TABLES = (*CATALOG, EXTRACTS, TOMBSTONES)


PARTITION = "_partition"
"""The column that says which date a row was read with."""


def declared(name: str) -> Table:
    """The bronze table of this name; a bare one for a table that is not declared."""
    return next((table for table in CATALOG if table.name == name), Table(name, {PARTITION: "VARCHAR"}, ()))
