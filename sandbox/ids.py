"""Identifiers that look like Spotify's and are functions of what they name.

Ids are hashes and not counters: 22 characters of base 62 that fit into 128 bits, the same in every run and on every
machine, and as scattered over an index as real ones are.

Data flow: names of things -> base 62 ids, ISRCs, UPCs.
"""

from hashlib import blake2b

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TAIL = bytes(ord(ALPHABET[n % 62]) for n in range(256))
_HEAD = [str(n % 8) for n in range(256)]  # 22 digits of base 62 exceed 128 bits unless the first is small
_COUNTRIES = ("USUM7", "USRC1", "GBAYE", "GBUM7", "DEUM7", "FRX76", "SEUM7", "JPB60", "KRA38", "BRWMB", "INS18")


def spotify_id(*parts: object) -> str:
    """Return the id of the thing that the parts name."""
    text = "\x1f".join(map(str, parts))
    digest = blake2b(text.encode(), digest_size=22).digest()
    return _HEAD[digest[0]] + digest[1:].translate(_TAIL).decode()


def number(*parts: object) -> int:
    """Return a number below 2**64 that the parts decide."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def share(*parts: object) -> float:
    """Return a number in [0, 1) that the parts decide."""
    return number(*parts) / 2**64


def isrc(artist_id: str, title: str, duration_ms: int) -> str:
    """Return the ISRC of a recording; the same recording on a single, an album and a deluxe edition has one."""
    value = number("isrc", artist_id, title.casefold().strip(), duration_ms)
    return f"{_COUNTRIES[value % len(_COUNTRIES)]}{value // 97 % 100:02d}{value // 9973 % 100000:05d}"


def upc(album_id: str) -> str:
    """Return the thirteen-digit code of an album."""
    return f"{number('upc', album_id) % 10**13:013d}"
