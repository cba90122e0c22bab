"""The feeds as data: which keys of a row become which columns, and what a row must hold to be one.

The fields are an allow-list. A key that is not named here (`ip_addr`, `user_agent_decrypted`, `username`, and whatever
the next vintage of exports brings) is never read into a column.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sources.spotify_export import scrobbles
from sources.spotify_export.tables import ACCOUNT_STREAMS, LASTFM_SCROBBLES, LISTENBRAINZ_LISTENS, STREAMS
from sources.table import Table

Kind = Literal["text", "whole", "flag", "time"]
Row = Mapping[str, object]

LARGEST = {"ms_played": scrobbles.LONGEST_PLAY_MS, "offline_timestamp": 4_102_444_800_000}
"""Largest number of a column: a month in ms, the year 2100 in ms. Beyond is damage, and would overflow as a time."""


@dataclass(frozen=True)
class Field:
    """One column: the key that it comes from, the kind of its values, and whether a row is wrong without it.

    Kinds: `text`; `whole` (64-bit number without a fraction); `flag`; `time` (microseconds since 1970, UTC).
    """

    column: str
    key: str
    kind: Kind = "text"
    is_required: bool = False


@dataclass(frozen=True)
class Feed:
    """One kind of row.

    Attributes:
        name: As in `files.feed`.
        table: Bronze table of its rows.
        fields: Columns in the table's order, without `file_id` and `row_number`.
        signature: Keys that tell the feed; two of them in a row are enough.
        clock: Key and regular expression of a time that is kept as text; empty when the feed has a `time` field.
        kind: As in `files.kind`, where the feed alone tells it.
        flatten: Makes a flat row of a nested one.
    """

    name: str
    table: Table
    fields: tuple[Field, ...]
    signature: frozenset[str]
    clock: tuple[str, str] = ("", "")
    kind: str = "audio"
    flatten: Callable[[Row], Row] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(field.key for field in self.fields)


_INSTANT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z| UTC|[+-]\d\d:?\d\d)?$"
_MINUTE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$"
_KINDS: Mapping[str, Kind] = {"VARCHAR": "text", "BIGINT": "whole", "BOOLEAN": "flag", "TIMESTAMPTZ": "time"}


def _fields(table: Table, keys: Mapping[str, str], required: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(
        Field(column, keys.get(column, column), _KINDS[kind], column in required)
        for column, kind in table.columns.items()
        if column not in ("file_id", "row_number")
    )


def _account(kind: str, artist: str, track: str) -> Feed:
    keys = {"end_time": "endTime", "artist_name": artist, "track_name": track, "ms_played": "msPlayed"}
    fields = _fields(ACCOUNT_STREAMS, keys, ("end_time", "ms_played"))
    return Feed("account", ACCOUNT_STREAMS, fields, frozenset(keys.values()), ("endTime", _MINUTE), kind)


EXTENDED = Feed(
    "extended",
    STREAMS,
    _fields(STREAMS, {}, ("ts", "ms_played")),
    frozenset(STREAMS.columns) - {"file_id", "row_number"},
    ("ts", _INSTANT),
)
ACCOUNT = _account("audio", "artistName", "trackName")
ACCOUNT_PODCASTS = _account("podcast", "podcastName", "episodeName")
ACCOUNT_AUDIOBOOKS = _account("audiobook", "authorName", "audiobookName")
LASTFM = Feed(
    "lastfm",
    LASTFM_SCROBBLES,
    _fields(LASTFM_SCROBBLES, {}, ("listened_at", "artist_name", "track_name")),
    frozenset({"artist", "track", "name", "album", "date"}),
    flatten=scrobbles.lastfm,
)
LISTENBRAINZ = Feed(
    "listenbrainz",
    LISTENBRAINZ_LISTENS,
    _fields(LISTENBRAINZ_LISTENS, {}, ("listened_at", "artist_name", "track_name")),
    frozenset({"listened_at", "track_metadata"}),
    flatten=scrobbles.listenbrainz,
)
FEEDS: tuple[Feed, ...] = (EXTENDED, ACCOUNT, ACCOUNT_PODCASTS, ACCOUNT_AUDIOBOOKS, LISTENBRAINZ, LASTFM)
