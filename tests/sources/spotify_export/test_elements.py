"""Elements are the same whether a file is read whole or in blocks, and a broken one costs only itself."""

import json
import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.spotify_export import elements
from sources.spotify_export.walker import Fault

from .vintages import Row, account, dump, endsong, several, stream

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text() | st.sampled_from(["},{", '"', "\\", "[{"])
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=3)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=4) | VALUES, max_size=8)


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    first = max(size, content.find(b"[") + 1)
    yield content[:first]
    yield from (content[at : at + size] for at in range(first, len(content), size))


def read(content: bytes, size: int = 1 << 20) -> list[object]:
    return [value for chunk in elements.array(blocks(content, size), content.find(b"[") + 1) for value in chunk]


def json_safe(value: object) -> bool:
    return "\\ud" not in json.dumps(value)


@given(ROWS.filter(json_safe), st.integers(1, 200), st.sampled_from([None, 0, 2]))
def test_any_array_in_any_blocks_gives_its_elements(rows, size, indent):
    assert read(json.dumps(rows, indent=indent).encode(), size) == rows


@given(ROWS.filter(json_safe), st.integers(1, 60))
def test_any_json_lines_in_any_blocks_give_their_values(rows, size):
    content = "\n".join(json.dumps(row) for row in rows).encode()
    parts = (content[at : at + size] for at in range(0, len(content), size))
    assert [value for chunk in elements.lines(parts) for value in chunk] == rows


@pytest.mark.parametrize("size", [64, 700, 1 << 20])
@pytest.mark.parametrize("at", [0, 7, 19])
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'"ts": "', b'"ts": ""'),
        (b'"shuffle": false', b'"shuffle": falsch'),
        (b'"ts":', b'"ts"'),
        (b"Artist", b"Art\xe9st"),
    ],
)
def test_a_broken_row_costs_only_itself(good, bad, at, size):
    rows = several(stream, 20)
    pieces = [dump([row])[1:-1] for row in rows]
    pieces[at] = pieces[at].replace(good, bad, 1)
    values = read(b"[" + b",".join(pieces) + b"]", size)
    assert [value for value in values if not isinstance(value, Fault)] == rows[:at] + rows[at + 1 :]
    assert sum(isinstance(value, Fault) for value in values) == 1
    assert isinstance(values[at], Fault)


@pytest.mark.parametrize("size", [50, 900, 1 << 20])
@given(cut=st.integers(10, 12_000))
def test_a_file_cut_anywhere_keeps_the_rows_before_the_cut(size, cut):
    rows = several(stream, 12)
    content = dump(rows)
    cut = min(cut, len(content) - 1)
    values = read(content[:cut], size)
    assert isinstance(values[-1], Fault)
    assert "cut off" in values[-1].reason
    assert values[:-1] == rows[: len(values) - 1]
    assert len(values) - 1 >= content[:cut].count(b"\n  }")


def test_a_quote_that_is_never_closed_swallows_no_rows():
    rows = several(stream, 3000)
    content = dump(rows).replace(b'"ts": "2019-01-01T00:00:00Z"', b'"ts": "2019-01-01T00:00:00Z', 1)
    values = read(content, 10_000)
    assert isinstance(values[0], Fault)
    assert values[1:] == rows[1:]


def test_text_after_the_list_is_told():
    values = read(dump(several(stream, 2)) + b"[1, 2]")
    assert values[:2] == several(stream, 2)
    assert values[2:] == [Fault("text after the end of the list")]


def test_what_follows_the_list_in_an_object_is_no_row():
    content = b'{"username": "u", "scrobbles": [{"a": 1}, {"a": 2}], "other": [{"b": 1}, {"b": 2}]}'
    for size in (8, 1 << 20):
        assert read(content, size) == [{"a": 1}, {"a": 2}]


def test_rows_of_nothing_but_broken_quotes_are_read_in_bounded_time():
    content = b"[" + b",".join(b'{"a": "b}' for _ in range(20_000)) + b"]"
    values = read(content)
    assert all(isinstance(value, Fault) for value in values)


def pages(rows: list[Row], layout: str) -> tuple[bytes, list[range]]:
    """An array, and the bytes of each row in it."""
    comma, options = {
        "dense": (b",", {"separators": (",", ":")}),
        "spaced": (b" , ", {}),
        "indented": (b",\n  ", {"indent": 2}),
    }[layout]
    content, places = b"[", []
    for row in rows:
        content += comma if places else b""
        text = json.dumps(row, ensure_ascii=False, **options).encode()
        places.append(range(len(content), len(content) + len(text)))
        content += text
    return content + b"\n]", places


def scrobble(number: int) -> Row:
    """A row of Last.fm's API, with objects in a list inside it."""
    images = [{"size": size, "#text": ""} for size in ("small", "medium", "large")]
    names = {"artist": {"mbid": "", "#text": "Artist, {}"}, "name": f"Song {number}", "image": images}
    return names | {"album": {"mbid": "", "#text": ""}, "date": {"uts": str(1_600_000_000 + number)}}


def damages(content: bytes, draw: random.Random, count: int) -> Iterator[tuple[bytes, int]]:
    """A content with one byte lost, changed or added, and the place of that byte."""
    places = [*range(1, len(content)), *(8 * [at for at, byte in enumerate(content) if at and byte in b'"{}[],:\n '])]
    for at in draw.choices(places, k=count):
        stray = draw.choice([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"x", b"5", b" ", b"\0", b"\xff", b""])
        yield content[:at] + stray + content[at + draw.choice([1, 1, not stray]) :], at


@pytest.mark.parametrize("layout", ["dense", "spaced", "indented"])
@pytest.mark.parametrize("make", [account, stream, endsong, scrobble])
def test_one_damaged_byte_anywhere_costs_no_row_elsewhere(make: Callable[[int], Row], layout: str):
    rows = several(make, 5)
    content, places = pages(rows, layout)
    sizes = [1 << 20] if make is scrobble else [64, 700, 1 << 20]  # no block of a file ends within its first row
    for size, (hurt, at) in product(sizes, damages(content, random.Random(layout), 200)):
        values = read_from(hurt, size)
        elsewhere = [row for row, place in zip(rows, places, strict=True) if at not in place]
        assert [row for row in elsewhere if row not in values] == [], (hurt, size)
        assert sum(row in rows for row in values if isinstance(row, dict)) <= len(rows)


def read_from(content: bytes, size: int) -> list[object]:
    parts = (content[at : at + size] for at in range(0, len(content), size))
    return [value for chunk in elements.array(parts, 1) for value in chunk]


@pytest.mark.parametrize("size", [10_000, 1 << 20])
def test_a_lost_quote_costs_one_row_of_thousands(size: int):
    rows = several(account, 3000)
    values = read(dump(rows).replace(b'"trackName": "T100"', b'trackName": "T100"', 1), size)
    assert values[:100] + values[101:] == rows[:100] + rows[101:]
    assert isinstance(values[100], Fault)


def test_rows_after_more_broken_ones_than_anybody_looks_through_are_read():
    rows = several(account, 1000)
    content = dump(rows)
    at = content.index(b'"T900"')
    values = read(content[:at].replace(b'"endTime"', b'"endTime') + content[at:])
    assert values[-99:] == rows[-99:]


def test_a_broken_row_with_objects_in_a_list_costs_only_itself():
    rows = several(scrobble, 20)
    values = read(dump(rows).replace(b'"name": "Song 7"', b'"name": Song 7', 1))
    assert [value for value in values if not isinstance(value, Fault)] == rows[:7] + rows[8:]
    assert len(values) == 20


def test_a_list_that_closes_too_early_ends_nothing():
    for stray in (b"]", b"[", b"}", b"{", b'"', b":", b""):
        content = dump(several(account, 9)).replace(b"},", b"}" + stray, 5).replace(b"}" + stray, b"},", 4)
        values = read(content, 70)
        assert [value for value in values if isinstance(value, dict)] == several(account, 9), stray
