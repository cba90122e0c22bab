"""Keys that are no text: what is gone and what is late is found by any primary key."""

from collections.abc import Callable

import pytest

from sources.catalog.choice import Default

WATERMARK = Default(strategy="watermark", cursor="followers")
KEYS = {
    "unsigned": ("id bigint unsigned, ", "id", [str(2**64 - 1 - i) for i in range(12)]),
    "decimal": ("id decimal(38,10), ", "id", [f"1234567890123456789012345678.{i:010}" for i in range(12)]),
    "binary": ("id varbinary(8), ", "id", [f"x'{i:02x}00ff'" for i in range(12)]),
    "composite": ("id bigint, ", "id, name", [str(i) for i in range(12)]),
    "none": ("id bigint, ", "", [str(i) for i in range(12)]),
}


@pytest.mark.servers
@pytest.mark.parametrize("kind", KEYS)
def test_any_key_does(open_house: Callable, mariadb, kind: str) -> None:
    columns, key, values = KEYS[kind]
    here = open_house(mariadb.fresh(), artists=WATERMARK if key else Default(strategy="full"))
    primary = f", primary key ({key})" if key else ""
    here.do(
        "drop table spotify_artists",
        f"create table spotify_artists ({columns} name varchar(20) not null, followers bigint, "
        f"artist_id varchar(9), track_id varchar(9), genres varchar(9){primary})",
        *(f"insert into spotify_artists values ({v}, '{i}', {i}, '{i}', null, null)" for i, v in enumerate(values)),
    )
    here.extract()
    here.check("spotify_artists")
    assert here.nothing_new()
    here.do(
        f"delete from spotify_artists where id = {values[3]}",
        f"update spotify_artists set followers = 4, track_id = 'late' where id = {values[2]}",
        f"insert into spotify_artists values ({values[3]}, 'again', 5, 'back', null, null)",
        f"delete from spotify_artists where id = {values[7]}",
    )
    done = here.extract()["spotify_artists"]
    if key:
        assert (done.rows, done.tombstones) == (2, 2 if kind == "composite" else 1)
    assert here.extracts("spotify_artists")[-1]["table_rows"] == 11
    assert here.nothing_new()
    if kind == "none":
        assert done.rows == 11
