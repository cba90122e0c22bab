"""Spotify's JSON shapes, as development-mode apps get them since 2026 and as extended-quota apps still do.

Hrefs inside of objects name the real API, so that an item reads the same from whatever port it is served.

Data flow: rows of `sandbox.store` -> dictionaries ready for JSON.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sandbox import ids
from sandbox.play import Play
from sandbox.store import Album, Artist, Store, Track

Json = dict[str, Any]
_API = "https://api.spotify.com/v1"
_MARKETS = ["AD", "AR", "AT", "AU", "BE", "BR", "CA", "CH", "DE", "ES", "FR", "GB", "JP", "MX", "PL", "US"]


class Shapes:
    """Makes answers out of the truth.

    Attributes:
        is_extended: Whether fields that development mode lost are in.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_extended = False

    def item(self, play: Play) -> Json:
        """Return one play of recently-played."""
        track = self.local(play) if play.kind == "local" else self.track(self._known(play.item_id))
        return {"track": track, "played_at": iso(play.played_ms), "context": context(play.context_uri)}

    def track(self, track: Track) -> Json:
        """Return a full track."""
        album = self.store.album(track.album_id)
        made = self.track_of_album(track)
        made["external_ids"] = {"isrc": track.isrc}
        if self.is_extended:
            made["popularity"] = track.popularity
        return {"album": self.album_of_track(album) if album else {}} | made

    def track_of_album(self, track: Track) -> Json:
        """Return a track without album, ISRC and popularity, as albums list it."""
        made = {
            "artists": self.artists(track.artists),
            "disc_number": track.disc_number,
            "duration_ms": track.duration_ms,
            "explicit": bool(track.is_explicit),
            **_named("track", track.track_id, track.name),
            "is_local": False,
            "preview_url": None,
            "track_number": track.track_number,
        }
        return made | self._markets()

    def album_of_track(self, album: Album) -> Json:
        """Return an album as tracks carry it."""
        return {
            "album_type": album.album_type if album.album_type in {"album", "single", "compilation"} else "album",
            "artists": self.artists(json.loads(album.artist_ids)),
            **_named("album", album.album_id, album.name),
            "images": _images(album.album_id, 640, 300, 64),
            "release_date": album.release_date,
            "release_date_precision": album.release_date_precision,
            "total_tracks": album.total_tracks,
        } | self._markets()

    def album(self, album: Album) -> Json:
        """Return a full album with its tracks."""
        owner = self.artists(json.loads(album.artist_ids))[0]["name"]
        listed = [self.track_of_album(track) for track in self.store.tracks(album.album_id)]
        made = self.album_of_track(album) | {
            "copyrights": [{"text": f"(P) {album.release_date[:4]} {owner}", "type": "P"}],
            "external_ids": {"upc": ids.upc(album.album_id)},
            "genres": [],
            "tracks": {
                "href": f"{_API}/albums/{album.album_id}/tracks?offset=0&limit=50",
                "items": listed[:50],
                "limit": 50,
                "next": None,
                "offset": 0,
                "previous": None,
                "total": len(listed),
            },
        }
        return made | ({"popularity": album.popularity, "label": f"{owner} Records"} if self.is_extended else {})

    def artist(self, artist: Artist) -> Json:
        """Return a full artist."""
        made = _named("artist", artist.artist_id, artist.name) | {
            "genres": json.loads(artist.genres),
            "images": _images(artist.artist_id, 640, 320, 160),
        }
        if self.is_extended:
            made |= {"followers": {"href": None, "total": artist.followers}, "popularity": artist.popularity}
        return made

    def artists(self, artist_ids: Iterable[str]) -> list[Json]:
        """Return artists as tracks and albums carry them."""
        found = (self.store.artist(artist_id) for artist_id in artist_ids)
        return [_named("artist", artist.artist_id, artist.name) for artist in found if artist]

    def audio_features(self, track: Track) -> Json | None:
        """Return the audio features of a track, None where Spotify has none."""
        told: Json = json.loads(track.features)
        if not told:
            return None
        return told | {
            "type": "audio_features",
            "id": track.track_id,
            "uri": f"spotify:track:{track.track_id}",
            "track_href": f"{_API}/tracks/{track.track_id}",
            "analysis_url": f"{_API}/audio-analysis/{track.track_id}",
            "duration_ms": track.duration_ms,
        }

    def me(self, seed: int) -> Json:
        """Return the listener's profile."""
        name = f"listener{ids.number('user', seed) % 10**8:08d}"
        made = _named("user", name, "") | {
            "account_id": ids.spotify_id("account", seed)[:10],
            "display_name": "Sandbox Listener",
            "images": [],
        }
        del made["name"]
        if self.is_extended:
            made |= {
                "country": "DE",
                "email": "listener@example.com",
                "explicit_content": {"filter_enabled": False, "filter_locked": False},
                "followers": {"href": None, "total": 3},
                "product": "premium",
            }
        return made

    def local(self, play: Play) -> Json:
        """Return a file of the listener's own, of which Spotify knows names alone."""
        album: Json = {
            "album_type": None, "artists": [], "external_urls": {}, "href": None, "id": None, "images": [], "name": "",
            "release_date": None, "release_date_precision": None, "type": "album", "uri": None,
        }  # fmt: skip
        artist: Json = {
            "external_urls": {}, "href": None, "id": None, "name": play.owner_name, "type": "artist", "uri": None,
        }  # fmt: skip
        return {
            "album": album, "artists": [artist], "disc_number": 0, "duration_ms": play.ms_played, "explicit": False,
            "external_ids": {}, "external_urls": {}, "href": None, "id": None, "is_local": True,
            "name": play.item_name, "preview_url": None, "track_number": 0, "type": "track",
            "uri": play.uri,
        }  # fmt: skip

    def _known(self, track_id: str) -> Track:
        track = self.store.track(track_id)
        if track is None:
            raise LookupError(f"the sandbox plays track {track_id} but does not know it")
        return track

    def _markets(self) -> Json:
        return {"available_markets": _MARKETS} if self.is_extended else {}


def context(uri: str) -> Json | None:
    """Return where something was played from."""
    if not uri:
        return None
    _, kind, item_id = uri.split(":")
    return {
        "type": kind,
        "href": f"{_API}/{kind}s/{item_id}",
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{item_id}"},
        "uri": uri,
    }


def iso(ms: int) -> str:
    """Return a time as Spotify writes it: UTC, milliseconds, Z."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def _named(kind: str, item_id: str, name: str) -> Json:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{item_id}"},
        "href": f"{_API}/{kind}s/{item_id}",
        "id": item_id,
        "name": name,
        "type": kind,
        "uri": f"spotify:{kind}:{item_id}",
    }


def _images(item_id: str, *sizes: int) -> list[Json]:
    base = f"{ids.number('image', item_id):016x}"
    return [{"height": size, "url": f"https://i.scdn.co/image/ab67{size:04d}{base}", "width": size} for size in sizes]
