"""Letters as they are compared: in DuckDB by a macro, on Spark by a function of Python."""

import unicodedata

import duckdb
import pytest

from pipelines.spark import plain_letters
from tests.dbt.macro import expression

PLAIN = expression("dialect.sql", "default__plain_letters", "t")
# the planes between hold no letter
CODES = "range(1, 917999) as codes(code) where code not between 55296 and 57343 and code not between 205744 and 917503"
SURROUNDINGS = ("{}", "a{}\u0301b", "ก{}\u0e34", "{}\u0301\ufe0f", "é\u0301 {}й")
WORDS = {
    "Beyoncé Ångström": "Beyonce Angstrom", "e\u0301te\u0301": "ete", "Ελλάδα": "Ελλαδα", "ﬁn Ệ": "ﬁn E",
    "กิน": "กิน", "กัน": "กัน", "कि": "कि", "कु": "कु", "が か": "が か", "か\u3099": "が", "йи": "йи", "ёе": "ёе",
    "Café กิน é": "Cafe กิน e", "한국어": "한국어", "❤️ 1️⃣": "❤ 1", "葛\U000e0100": "葛", "": "",
}  # fmt: skip


@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_every_letter_that_python_knows_is_plain_on_spark_as_in_duckdb(surrounding: str) -> None:
    before, after = surrounding.split("{}")
    with duckdb.connect() as connection:
        query = f"select t, {PLAIN} from (select $1 || chr(code::int) || $2 as t, code from {CODES})"
        told = connection.execute(query, [before, after]).fetchall()
    plain = plain_letters()
    different = [text[len(before)] for text, letters in told if plain(text) != letters]
    assert len(told) > 200_000
    assert not [hex(ord(sign)) for sign in different if unicodedata.category(sign) != "Cn"]


def test_accents_go_from_latin_and_greek_alone() -> None:
    with duckdb.connect() as connection:
        query = f"select t, {PLAIN} from (select unnest($1) as t)"
        told = connection.execute(query, [list(WORDS)]).fetchall()
        assert connection.execute(f"select {PLAIN} from (select null::varchar as t)").fetchall() == [(None,)]
    assert dict(told) == WORDS
    assert {word: plain_letters()(word) for word in WORDS} == WORDS
