"""What a session is given before dbt begins: views over committed files, and letters as DuckDB writes them."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipelines import bronze, spark
from pipelines.committed import Loss
from pipelines.lake import take_snapshot
from pipelines.settings import load
from pipelines.store import Folder
from tests.dbt.macro import expression
from tests.spark.lake import FIRST, Packages

pytestmark = pytest.mark.spark
CODES = "range(1, 1114112) as t(code) where code not between 55296 and 57343"
WORDS = ("ΟΔΟΣ", "ΣΑΣ", "İSTANBUL", "한국어", "e\u0301", "ﬁn", "क्षत्रिय", "Ĳssel", "й", "Café กิน", "か\u3099")
PLAIN = expression("dialect.sql", "default__plain_letters", "t")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE__DATA_DIR", str(tmp_path_factory.mktemp("session")))
        started = spark.open_session(load(), "local[1]")
    yield started
    started.stop()


def test_every_letter_that_java_and_python_know_is_written_small_and_plain_as_duckdb_does(session: Any) -> None:
    with duckdb.connect() as connection:
        told = connection.execute(
            f"select t, lower(t), {PLAIN} from (select chr(code::int) as t from {CODES} union all select unnest($1))",
            [list(WORDS)],
        ).fetchall()
    session.createDataFrame(told, "letter string, small string, plain string").createOrReplaceTempView("letters")
    small = "lower(translate(letter, 'Σİ', 'σi'))"
    other = f"select letter from letters where {small} <> small or lakehouse_plain_letters(letter) <> plain"
    is_known = session.sparkContext._jvm.java.lang.Character.isDefined
    different = [row.letter for row in session.sql(other).collect()]
    younger = [text for text in different if not is_known(ord(text[0])) or unicodedata.category(text[0]) == "Cn"]
    assert set(different) == set(younger)
    assert session.sql("select count(*) from letters where lower(letter) <> small").collect()[0][0] > 0


def test_losses_and_what_was_imported_again_are_told_as_duckdb_tells_them(session: Any, tmp_path: Any) -> None:
    packages = Packages(tmp_path)
    for load_number in (1, 2):
        packages.add("spotify_export__files", [{"file_id": "f", "feed": "lastfm"}], load_number)
        rows = [{"file_id": "f", "row_number": n, "artist_name": "A"} for n in range(load_number)]
        packages.add("spotify_export__lastfm_scrobbles", rows, load_number)
    packages.add("spotify_export__files", [{"file_id": "g", "feed": "lastfm"}], 1)
    packages.add("spotify_export__lastfm_scrobbles", [{"file_id": "g", "row_number": 1}], 1)
    packages.add("spotify_export__lastfm_scrobbles", [{"file_id": "h", "row_number": 1}], 3, committed=False)
    loss = Loss(
        "a/b.parquet",
        "spotify_export__streams",
        f"{FIRST + 1}.5",
        "gone",
        7,
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    snapshot = replace(take_snapshot(Folder(tmp_path)), losses=(loss,))
    spark.create_bronze(session, snapshot)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        bronze.create_bronze(connection, snapshot, bronze.declared_tables())
        for view in bronze.declared_tables():
            seen = [row.asDict() for row in session.table(f"bronze.{view}").collect()]
            told = connection.execute(f"from bronze.{view}").to_arrow_table().to_pylist()
            assert sorted(map(_text, seen)) == sorted(map(_text, told)), view
    assert [row.file_id for row in session.table("bronze.spotify_export__files").orderBy("file_id").collect()] == [
        "f",
        "g",
    ]


def _text(row: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted(
        (name, str(value.timestamp() if isinstance(value, datetime) else value)) for name, value in row.items()
    )
