"""The SpotGenTrack files in the catalog database: every line accounted for, every value as it stood."""

import csv
import random
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.catalog.database import open_database
from sources.catalog.kaggle import import_catalog
from sources.problem import Problem, UsageProblem
from tests.environment import GIVEN

TRACK_HEADER = [
    "",
    "acousticness",
    "album_id",
    "analysis_url",
    "artists_id",
    "available_markets",
    "country",
    "danceability",
    "disc_number",
    "duration_ms",
    "energy",
    "href",
    "id",
    "instrumentalness",
    "key",
    "liveness",
    "loudness",
    "lyrics",
    "mode",
    "name",
    "playlist",
    "popularity",
    "preview_url",
    "speechiness",
    "tempo",
    "time_signature",
    "track_href",
    "track_name_prev",
    "track_number",
    "uri",
    "valence",
    "type",
]
ARTIST_HEADER = ["", "artist_popularity", "followers", "genres", "id", "name", "track_id", "track_name_prev", "type"]
REAL = GIVEN / "catalog"


def track(number: int, **cells: str) -> dict[str, str]:
    usual = {"": str(number), "id": f"track{number:017}", "name": f"Song {number}", "duration_ms": "193093.0"}
    return usual | {"key": "4.0", "energy": "0.52", "uri": f"spotify:track:{number}", "type": "track"} | cells


def write(path: Path, header: list[str], rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(url: str, query: str) -> list[tuple[object, ...]]:
    engine = open_database(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return found


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/catalog.db"


AWKWARD = [
    "112",
    "NULL",
    "null",
    "nan",
    "1e5",
    "it's",
    'a "b" c',
    "back\\slash",
    "two\nlines",
    "cr\r\nlf",
    "🎧 Ünï",
    "%s %% ;--",
    " edge ",
    "\t",
]


def check_text_arrives_byte_for_byte(url: str, folder: Path) -> None:
    write(folder / "spotify_tracks.csv", TRACK_HEADER, [track(i, name=name) for i, name in enumerate(AWKWARD)])
    import_catalog(url, folder)
    assert [row[0] for row in rows_of(url, "select name from spotify_tracks order by track_id")] == AWKWARD


def test_text_arrives_byte_for_byte(url: str, tmp_path: Path) -> None:
    check_text_arrives_byte_for_byte(url, tmp_path / "in")


@pytest.mark.servers
@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_text_arrives_byte_for_byte_in_a_server(server: str, request, tmp_path: Path) -> None:
    check_text_arrives_byte_for_byte(request.getfixturevalue(server).fresh(), tmp_path / "in")


@pytest.mark.parametrize("server", ["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def test_a_row_with_a_nul_is_rejected_alone(url: str, server: str, request, tmp_path: Path) -> None:
    url = url if server == "sqlite" else request.getfixturevalue(server).fresh()
    rows = [track(0), track(1, name="Ba\0d"), track(2, lyrics="la\0la"), track(3, duration_ms="a", name="No\0 number")]
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, rows)
    (report,) = import_catalog(url, tmp_path / "in").files
    assert (report.loaded, report.rejected) == (2, 2)
    assert [row[0] for row in rows_of(url, "select name from spotify_tracks order by track_id")] == ["Song 0", "Song 2"]
    rejects = rows_of(url, "select line, reason, raw from import_rejects order by line")
    assert [(line, reason) for line, reason, _ in rejects] == [(3, "a NUL"), (5, "a NUL")]
    assert ",Bad," in str(rejects[0][2])


def test_integers_written_as_floats_become_integers_exactly(url: str, tmp_path: Path) -> None:
    numbers = [
        "193093.0",
        "7",
        "-3.0",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "1E3",
        "2.00",
    ]
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(i, duration_ms=n) for i, n in enumerate(numbers)])
    import_catalog(url, tmp_path / "in")
    found = rows_of(url, "select duration_ms, typeof(duration_ms) from spotify_tracks order by track_id")
    wanted = [193093, 7, -3, 9007199254740993, 9223372036854775807, -9223372036854775808, 1000, 2]
    assert found == [(number, "integer") for number in wanted]


BAD_NUMBERS = ["12.5", "9223372036854775808", "1_000", "٣", "abc", "1e400", "nan", "0x10", "1e999999999"]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_number_that_does_not_fit_is_rejected_and_never_wrapped(url: str, tmp_path: Path, number: str) -> None:
    bad = track(1, duration_ms=number, lyrics="words of a song")
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(0), bad, track(2)])
    report = import_catalog(url, tmp_path / "in").files[0]
    assert (report.rows, report.loaded, report.rejected) == (3, 2, 1)
    ((file, line, reason, raw),) = rows_of(url, "select * from import_rejects")
    assert (file, line) == ("spotify_tracks.csv", 3)
    assert "duration_ms" in str(reason)
    assert number in str(raw)
    assert "words of a song" not in str(raw)


def test_importing_again_moves_nothing_and_a_changed_row_moves_alone(url: str, tmp_path: Path) -> None:
    check_importing_again(url, tmp_path / "in")


@pytest.mark.servers
@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_importing_again_moves_nothing_in_a_server(server: str, request, tmp_path: Path) -> None:
    check_importing_again(request.getfixturevalue(server).fresh(), tmp_path / "in")


def check_importing_again(url: str, folder: Path) -> None:
    file = folder / "spotify_tracks.csv"
    write(file, TRACK_HEADER, [track(0), track(1, energy="bad"), track(2)])
    import_catalog(url, folder)
    before = rows_of(url, "select track_id, updated_at from spotify_tracks order by 1")
    import_catalog(url, folder)
    assert rows_of(url, "select track_id, updated_at from spotify_tracks order by 1") == before
    assert len(rows_of(url, "select * from import_rejects")) == 1
    write(file, TRACK_HEADER, [track(0), track(1), track(2, name="Other")])
    import_catalog(url, folder)
    after = rows_of(url, "select track_id, updated_at from spotify_tracks order by 1")
    assert after[0] == before[0]
    assert after[2][1] > before[1][1]
    assert rows_of(url, "select * from import_rejects") == []


def test_a_row_changed_by_anybody_moves_updated_at(url: str, tmp_path: Path) -> None:
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(0)])
    import_catalog(url, tmp_path / "in")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update spotify_tracks set updated_at = '2020-01-01 00:00:00.000000'")
        connection.exec_driver_sql("update spotify_tracks set name = 'x'")
    ((moved,),) = rows_of(url, "select updated_at from spotify_tracks")
    assert str(moved) > "2026"
    assert len(str(moved)) == 26


def test_lyrics_are_nowhere_even_when_rows_are_spoiled(url: str, tmp_path: Path) -> None:
    line = "Never gonna sing this line"
    file = write(
        tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(0, lyrics=line), track(1, lyrics=line, key="x")]
    )
    with file.open("a") as stream:
        stream.write(f'{line},{line}\n"{line}\n{line}\n7,{line}"\n')
    import_catalog(url, tmp_path / "in")
    assert len(rows_of(url, "select * from import_rejects")) == 5
    assert line not in (tmp_path / "catalog.db").read_bytes().decode("utf-8", "replace")


def test_a_stray_quote_costs_one_line_and_not_the_rest_of_the_file(url: str, tmp_path: Path) -> None:
    good = [track(i, name=f"plain {i}") for i in range(50)]
    file = write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, good)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:10], '"never closed,1,2\n', *lines[10:], '"nor this one']))
    report = import_catalog(url, tmp_path / "in").files[0]
    assert (report.rows, report.loaded, report.rejected) == (52, 50, 2)
    assert [row[0] for row in rows_of(url, "select line from import_rejects order by 1")] == [11, 53]


def test_of_rows_with_the_same_id_the_first_counts_across_batches_and_files(url: str, tmp_path: Path) -> None:
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(i) for i in range(4500)] + [track(3, name="again")])
    write(tmp_path / "in/spotify_tracks_50.csv", TRACK_HEADER, [track(4, name="again"), track(9999)])
    for _ in range(2):
        reports = import_catalog(url, tmp_path / "in").files
        assert [(report.loaded, report.rejected) for report in reports] == [(4500, 1), (1, 1)]
        assert rows_of(url, "select count(*) from spotify_tracks where name = 'again'") == [(0,)]


def test_bytes_that_are_not_utf8_reject_their_row_alone(url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(0), track(1, name="MARK"), track(2)])
    file.write_bytes(file.read_bytes().replace(b"MARK", b"\xff\xfe"))
    report = import_catalog(url, tmp_path / "in").files[0]
    assert (report.loaded, report.rejected) == (2, 1)
    assert rows_of(url, "select reason from import_rejects") == [("not UTF-8",)]


def test_a_file_that_is_something_else_is_refused_before_anything_is_written(url: str, tmp_path: Path) -> None:
    write(tmp_path / "in/spotify_artists.csv", ["a", "b"], [{"a": "1", "b": "2"}])
    with pytest.raises(Problem, match="names no column 'id'"):
        import_catalog(url, tmp_path / "in")
    assert not (tmp_path / "catalog.db").exists()


def test_a_folder_without_the_files_is_wrong_usage(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="none of the files"):
        import_catalog(url, tmp_path)
    with pytest.raises(UsageProblem, match="no folder"):
        import_catalog(url, tmp_path / "missing")


def test_the_database_of_the_original_schema_is_left_alone(url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table spotify_tracks (track_id varchar(50) primary key, name varchar(128))")
    write(tmp_path / "in/spotify_tracks.csv", TRACK_HEADER, [track(0)])
    with pytest.raises(Problem, match="another shape"):
        import_catalog(url, tmp_path / "in")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30), max_size=12),
    st.randoms(),
)
def test_whatever_a_file_holds_rows_in_are_rows_loaded_and_rejected(
    tmp_path_factory, texts: list[str], order: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("random")
    lines = write(
        folder / "in/spotify_artists.csv",
        ARTIST_HEADER,
        [{"id": f"a{i}", "name": "n", "type": "artist"} for i in range(5)],
    )
    junk = [*lines.read_text().splitlines(keepends=True)[1:], *(f"{text}\n" for text in texts)]
    order.shuffle(junk)
    lines.write_text(",".join(ARTIST_HEADER) + "\n" + "".join(junk))
    url = f"sqlite:///{folder}/catalog.db"
    report = import_catalog(url, folder / "in").files[0]
    assert report.rows == report.loaded + report.rejected
    assert rows_of(url, "select count(*) from spotify_artists") == [(report.loaded,)]
    assert rows_of(url, "select count(*) from import_rejects") == [(report.rejected,)]


@pytest.mark.skipif(not REAL.exists(), reason="TEST_DATA has no real catalog")
def test_the_real_catalog_arrives_whole(url: str) -> None:
    report = import_catalog(url, REAL)
    assert [(file.table, file.loaded, file.rejected) for file in report.files] == [
        ("spotify_tracks", 16918, 0),
        ("spotify_albums", 9946, 0),
        ("spotify_artists", 1751, 0),
    ]
    for table in ("spotify_tracks", "spotify_albums", "spotify_artists"):
        with (REAL / f"{table}.csv").open(newline="", encoding="utf-8") as stream:
            wanted = {(row["id"], row["name"]) for row in csv.DictReader(stream)}
        key = table.removeprefix("spotify_").removesuffix("s") + "_id"
        assert set(rows_of(url, f"select {key}, name from {table}")) == wanted


@pytest.mark.skipif(not REAL.exists(), reason="TEST_DATA has no real catalog")
def test_a_file_spoiled_by_a_spreadsheet_is_survived(url: str) -> None:
    report = import_catalog(url, REAL / "spotgentrack_sample")
    counts = {file.file: (file.rows, file.loaded, file.rejected) for file in report.files}
    assert counts["spotify_tracks.csv"] == (8, 8, 0)
    assert counts["spotify_tracks_excel_spill_corrupt.csv"] == (6, 0, 6)
