"""The bronze tables of privacy exports and scrobbles, as data.

Rows keep the values as they came; only `platform` and `conn_country` arrive reduced. `file_id` is the sha256 of the
file's content, so that the same file under another name is the same file.
"""

from sources.table import Table

_ROW = {"file_id": "VARCHAR", "row_number": "BIGINT"}
_ROW_KEY = ("file_id", "row_number")

FILES = Table(
    "files",
    {
        "file_id": "VARCHAR",
        "archive": "VARCHAR",
        "file": "VARCHAR",
        "feed": "VARCHAR",
        "kind": "VARCHAR",
        "bytes": "BIGINT",
        "row_count": "BIGINT",
        "imported_at": "TIMESTAMPTZ",
    },
    ("file_id",),
)

STREAMS = Table(
    "streams",
    {
        **_ROW,
        "ts": "VARCHAR",
        "platform": "VARCHAR",
        "conn_country": "VARCHAR",
        "ms_played": "BIGINT",
        "master_metadata_track_name": "VARCHAR",
        "master_metadata_album_artist_name": "VARCHAR",
        "master_metadata_album_album_name": "VARCHAR",
        "spotify_track_uri": "VARCHAR",
        "episode_name": "VARCHAR",
        "episode_show_name": "VARCHAR",
        "spotify_episode_uri": "VARCHAR",
        "audiobook_title": "VARCHAR",
        "audiobook_uri": "VARCHAR",
        "audiobook_chapter_uri": "VARCHAR",
        "audiobook_chapter_title": "VARCHAR",
        "reason_start": "VARCHAR",
        "reason_end": "VARCHAR",
        "shuffle": "BOOLEAN",
        "skipped": "BOOLEAN",
        "offline": "BOOLEAN",
        "offline_timestamp": "BIGINT",
        "incognito_mode": "BOOLEAN",
    },
    _ROW_KEY,
)

ACCOUNT_STREAMS = Table(
    "account_streams",
    {**_ROW, "end_time": "VARCHAR", "artist_name": "VARCHAR", "track_name": "VARCHAR", "ms_played": "BIGINT"},
    _ROW_KEY,
)

LASTFM_SCROBBLES = Table(
    "lastfm_scrobbles",
    {
        **_ROW,
        "listened_at": "TIMESTAMPTZ",
        "artist_name": "VARCHAR",
        "album_name": "VARCHAR",
        "track_name": "VARCHAR",
    },
    _ROW_KEY,
)

LISTENBRAINZ_LISTENS = Table(
    "listenbrainz_listens",
    {
        **_ROW,
        "listened_at": "TIMESTAMPTZ",
        "artist_name": "VARCHAR",
        "track_name": "VARCHAR",
        "release_name": "VARCHAR",
        "spotify_id": "VARCHAR",
        "isrc": "VARCHAR",
        "duration_ms": "BIGINT",
        "ms_played": "BIGINT",
    },
    _ROW_KEY,
)

REJECTS = Table("rejects", {**_ROW, "reason": "VARCHAR", "raw": "VARCHAR"}, _ROW_KEY)

TABLES: tuple[Table, ...] = (FILES, STREAMS, ACCOUNT_STREAMS, LASTFM_SCROBBLES, LISTENBRAINZ_LISTENS, REJECTS)
