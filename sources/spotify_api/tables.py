"""Bronze tables of the Spotify Web API.

One row per thing as it was received: key columns and the JSON text. Silver reads the text, so a field that Spotify adds
or removes never changes a table here. Data flow: client -> journal -> these tables.
"""

from types import MappingProxyType

from sources.table import Table

_OBJECT = MappingProxyType({"id": "VARCHAR", "fetched_at": "TIMESTAMPTZ", "status": "INTEGER", "payload": "VARCHAR"})

PLAYS = Table(
    "plays",
    {
        "poll_id": "VARCHAR",
        "offered_at": "TIMESTAMPTZ",
        "played_at": "TIMESTAMPTZ",
        "track_id": "VARCHAR",
        "track_uri": "VARCHAR",
        "payload": "VARCHAR",
    },
    key=("played_at", "track_uri"),
)
POLLS = Table(
    "polls",
    {
        "poll_id": "VARCHAR",
        "polled_at": "TIMESTAMPTZ",
        "status": "INTEGER",
        "item_count": "INTEGER",
        "oldest_played_at": "TIMESTAMPTZ",
        "newest_played_at": "TIMESTAMPTZ",
        "digest": "VARCHAR",
        "item_keys": "VARCHAR",
    },
    key=("poll_id",),
)
REJECTS = Table(
    "rejects",
    {
        "reject_id": "VARCHAR",
        "poll_id": "VARCHAR",
        "offered_at": "TIMESTAMPTZ",
        "reason": "VARCHAR",
        "raw": "VARCHAR",
    },
    key=("reject_id",),
)
TRACKS = Table("tracks", _OBJECT, key=("id",))
ALBUMS = Table("albums", _OBJECT, key=("id",))
ARTISTS = Table("artists", _OBJECT, key=("id",))
AUDIO_FEATURES = Table("audio_features", _OBJECT, key=("id",))
ACCOUNTS = Table("accounts", {"account_id": "VARCHAR", "seen_at": "TIMESTAMPTZ"}, key=("account_id",))

TABLES = (PLAYS, POLLS, REJECTS, TRACKS, ALBUMS, ARTISTS, AUDIO_FEATURES, ACCOUNTS)
"""Every table of the source, in the order of its README."""
