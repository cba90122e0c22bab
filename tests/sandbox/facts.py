"""What Spotify's answers look like: the fields of each object and their types, written down by us.

A type is a Python type, a tuple of types, a dictionary (an object with exactly these fields) or a list with one
element (a list of such things). `Null` allows null. What development mode lost since 2026 is in EXTENDED.
"""

Null = type(None)
URLS = {"spotify": str}
IMAGE = {"height": int, "url": str, "width": int}

SIMPLE_ARTIST = {"external_urls": URLS, "href": str, "id": str, "name": str, "type": str, "uri": str}
ARTIST = SIMPLE_ARTIST | {"genres": [str], "images": [IMAGE]}
SIMPLE_ALBUM = {
    "album_type": str, "artists": [SIMPLE_ARTIST], "external_urls": URLS, "href": str, "id": str, "images": [IMAGE],
    "name": str, "release_date": str, "release_date_precision": str, "total_tracks": int, "type": str, "uri": str,
}  # fmt: skip
SIMPLE_TRACK = {
    "artists": [SIMPLE_ARTIST], "disc_number": int, "duration_ms": int, "explicit": bool, "external_urls": URLS,
    "href": str, "id": str, "is_local": bool, "name": str, "preview_url": Null, "track_number": int, "type": str,
    "uri": str,
}  # fmt: skip
TRACK = SIMPLE_TRACK | {"album": SIMPLE_ALBUM, "external_ids": {"isrc": str}}
TOP_TRACK = TRACK | {"is_playable": bool}
PAGE_OF_TRACKS = {
    "href": str, "items": [SIMPLE_TRACK], "limit": int, "next": Null, "offset": int, "previous": Null, "total": int,
}  # fmt: skip
ALBUM = SIMPLE_ALBUM | {
    "copyrights": [{"text": str, "type": str}], "external_ids": {"upc": str}, "genres": [str],
    "tracks": PAGE_OF_TRACKS,
}  # fmt: skip
CONTEXT = {"type": str, "href": str, "external_urls": URLS, "uri": str}
ITEM = {"track": TRACK, "played_at": str, "context": (CONTEXT, Null)}
RECENTLY_PLAYED = {
    "items": [ITEM], "next": (str, Null), "cursors": ({"after": str, "before": str}, Null), "limit": int, "href": str,
}  # fmt: skip
ME = {
    "account_id": str, "display_name": str, "external_urls": URLS, "href": str, "id": str, "images": [IMAGE],
    "type": str, "uri": str,
}  # fmt: skip
AUDIO_FEATURES = {
    "danceability": float, "energy": float, "key": int, "loudness": float, "mode": int, "speechiness": float,
    "acousticness": float, "instrumentalness": float, "liveness": float, "valence": float, "tempo": float,
    "type": str, "id": str, "uri": str, "track_href": str, "analysis_url": str, "duration_ms": int,
    "time_signature": int,
}  # fmt: skip
ERROR = {"error": {"status": int, "message": str}}

EXTENDED = {
    "track": {"available_markets": [str], "popularity": int},
    "simple_album": {"available_markets": [str]},
    "simple_track": {"available_markets": [str]},
    "album": {"label": str, "popularity": int, "available_markets": [str]},
    "artist": {"followers": {"href": Null, "total": int}, "popularity": int},
    "me": {
        "country": str, "email": str, "explicit_content": {"filter_enabled": bool, "filter_locked": bool},
        "followers": {"href": Null, "total": int}, "product": str,
    },
}  # fmt: skip
EXTENDED_SIMPLE_ALBUM = SIMPLE_ALBUM | EXTENDED["simple_album"]
EXTENDED_TRACK = TRACK | EXTENDED["track"] | {"album": EXTENDED_SIMPLE_ALBUM}
EXTENDED_ALBUM = ALBUM | EXTENDED["album"] | {
    "tracks": PAGE_OF_TRACKS | {"items": [SIMPLE_TRACK | EXTENDED["simple_track"]]}
}  # fmt: skip
EXTENDED_ARTIST = ARTIST | EXTENDED["artist"]
EXTENDED_ME = ME | EXTENDED["me"]
EXTENDED_RECENTLY_PLAYED = RECENTLY_PLAYED | {"items": [ITEM | {"track": EXTENDED_TRACK}]}


def differences(value, expected, where="answer"):
    """Return what in a value is not as expected, as sentences."""
    if isinstance(expected, tuple):
        tried = [differences(value, one, where) for one in expected]
        return [] if [] in tried else tried[0]
    if isinstance(expected, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [
            found for place, one in enumerate(value) for found in differences(one, expected[0], f"{where}[{place}]")
        ]
    if not isinstance(expected, dict):
        return [] if type(value) is expected else [f"{where} is {type(value).__name__}, not {expected.__name__}"]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    odd = [f"{where} lacks {name}" for name in expected.keys() - value.keys()]
    odd += [f"{where} has {name}, which is unknown" for name in value.keys() - expected.keys()]
    for name in expected.keys() & value.keys():
        odd += differences(value[name], expected[name], f"{where}.{name}")
    return odd
