"""What is made out of the last build and of new plays is what a build from bronze makes, row for row.

Plays of the API arrive in any order beside exports that tell of the same days: at once or days late, as partners of
observations that stood alone so far, as neighbours of a repeated song, and as files of the listener's own that only
their names tell of. Other names and new artists come, too.

Data flow: a life -> feeds -> bronze in portions -> dbt with what came / everything again -> two files, compared
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.dbt_run import close_build
from tests.dbt.silver.feeds import FEEDS, Told, payload, tell
from tests.dbt.silver.lake import Lake
from tests.dbt.silver.life import Life, Track, live

SELECT = (
    "path:models/silver fct_plays int_settled_gold int_plays_keyed daily_tracks daily_artists daily_albums daily_clock"
    " int_session_sums int_gap_days sessions int_import_counts import_balance int_rec_days"
)
FIRST = datetime(2026, 3, 20, tzinfo=UTC)
PLAYS = "spotify_api__plays"
LATE = Track("late".ljust(22, "0"), "late", "Late", "Lou", "Late album", "Lou", "LLL000000001", 200_000)
"""Of its album only the name is known until it is played."""
SILENT = ("int_settled", "int_settled_gold")
"""They say how much was made again."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder: Path = tmp_path_factory.mktemp("grown") / "lake"
    folder.mkdir()
    return Lake(folder)


def known(life: Life) -> list[dict[str, Any]]:
    """Answers about every track: what is known of a track does not change when it is played."""
    return [
        {"id": t.track_id, "fetched_at": FIRST, "status": 200, "payload": json.dumps(payload(t))}
        for t in (*life.tracks, LATE)
    ]


def files_of_their_own(life: Life, seed: int) -> Iterator[dict[str, Any]]:
    """Plays of local files, which have no id: of artists whom the catalog knows or of one whom nobody does, ever or lately."""
    rng = random.Random(seed)
    known = [rng.choice(life.tracks) for _ in range(2)] if seed % 3 != 2 else []
    since = len(life.plays) * 3 // 4 if seed % 3 == 1 else 0
    for number, play in enumerate(rng.sample(life.plays[since:], 12)):
        at = datetime.fromtimestamp(play.ended_ms / 1000 + 7200, UTC)
        track = known[number % 2] if known and number % 3 else None
        name, artist = (track.title, track.artist) if track else (f"Demo {number}", "A friend")
        body = {"name": name, "duration_ms": 200_000, "artists": [{"name": artist}], "album": {"name": "Tapes"}}
        yield {
            "poll_id": f"local{number}",
            "offered_at": at,
            "played_at": at,
            "track_uri": f"spotify:local:{number}",
            "payload": json.dumps({"track": body}),
        }


def gone_tracks(life: Life, seed: int) -> Iterator[dict[str, Any]]:
    """Streams of an export whose tracks nobody tells the album of: only its name is known, that of other tracks' album, of
    none, or of one that is played late."""
    for number, play in enumerate(life.plays[:: len(life.plays) // 8]):
        track = play.track if number else LATE
        at = datetime.fromtimestamp(play.ended_ms / 1000 + 7200, UTC)
        yield {
            "file_id": f"{life.name}-extended-new",
            "row_number": 100_000 + number,
            "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "ms_played": 200_000,
            "spotify_track_uri": f"spotify:track:{f'gone{number}':0<22}",
            "master_metadata_track_name": f"Gone song {number}",
            "master_metadata_album_artist_name": track.artist,
            "master_metadata_album_album_name": f"Gone {number % 2}" if number and seed % 4 == 3 else track.album,
            "reason_end": "trackdone",
            "incognito_mode": False,
        }


def without_album(stream: dict[str, Any]) -> dict[str, Any]:
    """What a catalog without albums tells of a stream's track."""
    return {
        "track_id": stream["spotify_track_uri"].rpartition(":")[2],
        "name": stream["master_metadata_track_name"],
        "artists_id": str([f"id of {stream['master_metadata_album_artist_name']}"]),
        "duration_ms": stream["ms_played"],
    }


def portions(told: Told, rng: random.Random, steps: int) -> Iterator[list[dict[str, Any]]]:
    """The API's plays as they arrive: two thirds at first, then in the order of time, one in twelve days late."""
    plays = sorted(told.rows.pop(PLAYS), key=lambda play: play["played_at"])
    first, rest = plays[: len(plays) * 2 // 3], plays[len(plays) * 2 // 3 :]
    late = [play for play in first if rng.random() < 0.08]
    yield [play for play in first if play not in late]
    for step in range(steps):
        yield (
            rest[step::steps]
            if rng.random() < 0.3
            else rest[len(rest) * step // steps : len(rest) * (step + 1) // steps]
        )
        if late:
            yield [late.pop(rng.randrange(len(late)))]


def different(one: Lake, other: Lake) -> dict[str, int]:
    """Rows of silver and gold that only one of two files has, by table of the other; a table alike in both is not named."""
    close_build()  # dbt holds its file open
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach '{one.path}' as one (read_only)")
        con.execute(f"attach '{other.path}' as other (read_only)")
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'other'"
        ).fetchall()
        found = {}
        for schema, name in tables:
            if schema == "bronze" or name in SILENT:
                continue
            rows = f"(from one.{schema}.{name} except all from other.{schema}.{name})"
            back = f"(from other.{schema}.{name} except all from one.{schema}.{name})"
            ((count,),) = con.execute(
                f"select (select count(*) from {rows}) + (select count(*) from {back})"
            ).fetchall()
            found |= {name: count} if count else {}
    assert len(tables) > 40, tables
    return found


def grow(lake: Lake, grown: Lake, seed: int, steps: int) -> list[tuple[Any, ...]]:
    """Let a life arrive in portions in both files; what `int_settled` said of each."""
    rng = random.Random(seed)
    life = live(f"l{seed}", seed, days=24)
    told = tell(life, frozenset(FEEDS) if seed % 2 else frozenset({"extended", "api", "listenbrainz"}), seed, 0.2)
    told.rows[PLAYS] += files_of_their_own(life, seed)
    gone = list(gone_tracks(life, seed))
    told.rows["spotify_export__streams"] += gone
    arriving = portions(told, rng, steps)
    grown.clear()
    tracks = {"spotify_api__tracks": known(life), "catalog__spotify_tracks": [without_album(row) for row in gone]}
    for both in (lake, grown):
        for table, rows in {**told.rows, **tracks}.items():
            both.add(table, rows)
    said = []
    for load, plays in enumerate(arriving, start=2):
        for both in (lake, grown):
            both.add(PLAYS, plays, load)
        lake.build(SELECT)
        if load == 2:
            grown.build(SELECT)
        else:
            grown.build_tail(min(play["played_at"] for play in plays), SELECT)
            said += grown.query(
                "select int_settled.*, int_settled_gold.settled_before from silver.int_settled, silver.int_settled_gold"
            )
        assert different(lake, grown) == {}, (seed, load, said)
    return said


def test_a_build_of_what_is_new_equals_a_build_of_all(lake: Lake, grown: Lake) -> None:
    said = grow(lake, grown, 7, steps=1)
    assert any(moment and moment > FIRST + timedelta(days=14) for moment, *_ in said), said
    assert any(gold for *_, gold in said), said
    play_late(lake, grown)
    track = live("l7", 7, days=24).plays[0].track
    for load, (table, name, reason) in enumerate(
        (
            ("artists", "Nobody", None),
            ("artists", "A friend", "int_artists_by_name"),
            ("tracks", f"{track.title} once more", "int_tracks"),
        ),
        start=90,
    ):
        at = FIRST + timedelta(days=load)
        body = {"id": f"id of {name}"} if table == "artists" else payload(track)
        answer = {"id": body["id"], "fetched_at": at, "status": 200, "payload": json.dumps(body | {"name": name})}
        for both in (lake, grown):
            both.add(f"spotify_api__{table}", [answer], load)
        lake.build(SELECT)
        grown.build_tail(at, SELECT)
        assert different(lake, grown) == {}
        ((why,),) = grown.query("select reason from silver.int_settled")
        assert why is None if reason is None else reason in why, (name, why)


def play_late(lake: Lake, grown: Lake) -> None:
    """One play tells the id of an album that an earlier play knows by name: both count for it."""
    at = FIRST + timedelta(days=40)
    uri, body = f"spotify:track:{LATE.track_id}", json.dumps({"track": payload(LATE)})
    play = {"poll_id": "late", "offered_at": at, "played_at": at, "track_id": LATE.track_id, "track_uri": uri}
    for both in (lake, grown):
        both.add(PLAYS, [play | {"payload": body}], 80)
    lake.build(SELECT)
    grown.build_tail(at, SELECT)
    assert different(lake, grown) == {}
    assert grown.query("select count(*) from silver.int_plays_keyed where album_id = 'id of Late album'") == [(2,)]


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(20, 40))
def test_whatever_the_order_of_arrival(lake: Lake, grown: Lake, seed: int) -> None:
    grow(lake, grown, seed, steps=3)
