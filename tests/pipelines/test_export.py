"""`run.py export`: what is written is what gold holds, and comes back through the readers of imports."""

import csv
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sources.spotify_export.members import Archives, Limits, Member, members
from sources.spotify_export.read import read
from tests.environment import Environment

NAMED = "is_counted and track_name <> 'Unknown Track' and artist_name <> 'Unknown Artist'"


@pytest.fixture(scope="module")
def exported(built: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "new" / "folder"
    answer = built.run("export", str(folder))
    assert answer.returncode == 0, answer.stderr
    return folder


def imported(file: Path, table: str) -> pa.Table:
    """The rows of a file as an import reads them; nothing may be rejected."""
    parts: dict[str, list[pa.Table]] = {}
    with Archives() as archives:
        (member,) = members(archives, file, file, Limits())
        assert isinstance(member, Member)
        for name, rows in read(archives, member, "file", keep_place=True):
            parts.setdefault(name, []).append(rows)
    assert "rejects" not in parts
    return pa.concat_tables(parts[table])


def test_every_table_of_gold_is_there_twice(built: Environment, exported: Path) -> None:
    tables = [
        row["name"]
        for row in built.ask("select name from (show all tables) where schema = 'gold' and database = 'warehouse'")
    ]
    assert tables

    (counts,) = built.ask("select " + ", ".join(f"(select count(*) from gold.{name}) as {name}" for name in tables))
    for name in tables:
        parquet = duckdb.sql(f"from '{exported}/gold/{name}.parquet'")
        text = duckdb.sql(f"from read_csv('{exported}/gold/{name}.csv', all_varchar = true, header = true)")
        assert len(parquet) == len(text) == int(counts[name]), name
        assert parquet.columns == text.columns, name


def test_listens_come_back_as_the_plays_that_they_were(built: Environment, exported: Path) -> None:
    plays = built.ask(
        "select epoch_ms(started_at) // 1000 as at, track_name, artist_name, album_name, track_id,"
        " case when not is_ms_played_estimated then ms_played end as ms"
        f" from gold.fct_plays where {NAMED}"
    )

    rows = imported(exported / "plays" / "listenbrainz.jsonl", "listenbrainz_listens").to_pylist()

    assert plays
    assert Counter(
        (int(p["at"]), p["track_name"], p["artist_name"], p["album_name"], p["ms"], p["track_id"]) for p in plays
    ) == Counter(
        (
            int(row["listened_at"].timestamp()),
            row["track_name"],
            row["artist_name"],
            row["release_name"] or "",
            "" if row["ms_played"] is None else str(row["ms_played"]),  # an estimate is not handed on as a fact
            (row["spotify_id"] or "").removeprefix("spotify:track:"),
        )
        for row in rows
    )


def test_scrobbles_come_back_to_the_minute(built: Environment, exported: Path) -> None:
    plays = built.ask(
        "select epoch_ms(started_at) // 60000 as minute, track_name, artist_name, album_name"
        f" from gold.fct_plays where {NAMED}"
    )

    rows = imported(exported / "plays" / "lastfm.csv", "lastfm_scrobbles").to_pylist()

    assert Counter((int(p["minute"]), p["track_name"], p["artist_name"], p["album_name"]) for p in plays) == Counter(
        (minute(row["listened_at"]), row["track_name"], row["artist_name"], row["album_name"] or "") for row in rows
    )


def minute(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) // 60


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("rediscover", "gold.recommendations where kind = 'rediscover'"),
        ("discover", "gold.recommendations where kind = 'discover'"),
        ("on_repeat", "gold.on_repeat where track_id is not null"),
        ("forgotten", "gold.forgotten where rank <= 100 and track_id is not null"),
        ("top_ever", "gold.top_tracks where period = 'all' and rank <= 100 and track_id is not null"),
        (
            "top_of_the_year",
            "gold.top_tracks where period_start = '2026-01-01' and period = 'year' and rank <= 100"
            " and track_id is not null",
        ),
    ],
)
def test_a_playlist_is_its_list_in_order(built: Environment, exported: Path, name: str, rows: str) -> None:
    with duckdb.connect(str(built.data_dir / "warehouse.duckdb"), read_only=True) as gold:
        uris = [
            f"spotify:track:{track}"
            for (track,) in gold.execute(f"select track_id from {rows} order by rank").fetchall()
        ]

    with (exported / "playlists" / f"{name}.csv").open(newline="") as file:
        assert [row["uri"] for row in csv.DictReader(file)] == uris
    assert (exported / "playlists" / f"{name}.txt").read_text().split() == uris
    assert uris


def test_a_second_export_replaces_the_first(built: Environment, exported: Path) -> None:
    files = sorted(path for path in exported.rglob("*") if path.is_file())

    answer: subprocess.CompletedProcess[str] = built.run("export", str(exported))

    assert answer.returncode == 0
    assert sorted(path for path in exported.rglob("*") if path.is_file()) == files


def test_a_folder_that_cannot_be_made_is_named(built: Environment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    answer = built.run("export", str(tmp_path / "file"))

    assert answer.returncode == 1
    assert str(tmp_path / "file") in answer.stderr
