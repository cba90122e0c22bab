"""The page in a real Chromium: nothing leaves it, everybody can read it, names cannot become code."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, is_foreign
from tests.environment import Environment
from tests.pipelines.wrapped.reading import Page

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 780}
DESKTOP = {"width": 1280, "height": 900}
# the contrast of each element that holds text of its own against the nearest background above it
CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const linear = v => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = parse(c).map(linear);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > .99) return getComputedStyle(e).backgroundColor; } return 'rgb(255, 255, 255)'; };
  return [...document.body.querySelectorAll('*')].filter(e => e.getClientRects().length
      && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.tagName !== 'title').map(e => {
    const ink = e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
    return [(a + .05) / (b + .05), e.outerHTML.slice(0, 90)]; }).filter(([ratio]) => ratio < 4.5); }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def file(built: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "wrapped.html"
    answer = built.run("wrapped", "--year", "2025", "--output", str(path))
    assert answer.returncode == 0, answer.stderr
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_reads_well_and_asks_nobody(browser: Browser, file: Path, size: dict[str, int], scheme: str) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))

    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    closed = page.evaluate("document.documentElement.scrollHeight")
    for summary in page.locator("summary").all():
        summary.click()

    assert [url for url in asked if is_foreign(url, file.as_uri())] == []
    assert troubles == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], "the page scrolls sideways"
    assert page.evaluate("document.documentElement.scrollHeight") > closed, "a click opens no SQL"
    assert page.evaluate(CONTRAST) == []
    page.close()


def test_headings_go_down_one_by_one_and_pictures_have_words(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())

    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => Number(h.tagName[1]))")

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("svg:not([aria-label])").count() == 0
    assert page.locator("html[lang]").count() == 1
    assert (
        page.locator("section").count() == page.locator("section > details pre code").locator("xpath=../../..").count()
    )
    page.close()


def test_there_is_no_script_and_no_picture_from_elsewhere(file: Path) -> None:
    page = Page(file.read_text())

    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "url(" not in file.read_text()


def test_a_name_is_never_code(copied: Environment, browser: Browser, tmp_path: Path) -> None:
    evil = """</title></style><script>document.title='owned'</script><img src=x onerror="document.title='owned'">'&"""
    with duckdb.connect(str(copied.data_dir / "warehouse.duckdb")) as warehouse:
        for table, column in (("artists", "artist_name"), ("tracks", "track_name"), ("albums", "album_name")):
            warehouse.execute(f"update gold.listened_{table} set {column} = ?", [evil])
        warehouse.execute("update gold.daily_genres set genre = ? || genre", [evil])
    path = tmp_path / "evil.html"
    answer = copied.run("wrapped", "--year", "2025", "--output", str(path))
    assert answer.returncode == 0, answer.stderr
    page = browser.new_page()
    page.goto(path.as_uri())

    assert page.title() == "Wrapped: 2025"
    assert page.locator("script, img").count() == 0
    assert page.locator("#top_artists .name").first.inner_text() == evil
    page.close()


@pytest.mark.long
def test_a_gap_makes_every_number_a_minimum(copied: Environment, tmp_path: Path) -> None:
    # a day and more without a poll: more than the fifty plays that the API tells
    assert copied.run("--advance", "96h").returncode == 0
    (gap,) = copied.ask("select count(*) as gaps, min(from_at)::date as day from gold.completeness where state = 'gap'")
    assert int(gap["gaps"]) > 0
    inside, outside = tmp_path / "inside.html", tmp_path / "outside.html"

    assert copied.run("wrapped", "--year", "2026", "--output", str(inside)).returncode == 0
    assert copied.run("wrapped", "--year", "2025", "--output", str(outside)).returncode == 0

    assert "at least" in Page(inside.read_text()).text
    assert "every number on this page is a minimum" in Page(inside.read_text()).text
    assert "at least" not in Page(outside.read_text()).text.replace("at least 60%", "")


def test_a_range_without_music_is_a_page_too(built: Environment, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"

    assert built.run("wrapped", "--year", "1999", "--output", str(path)).returncode == 0

    assert "Nothing was played in this time." in Page(path.read_text()).text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "2025-01-01"],
        ["--from", "2025-02-01", "--to", "2025-01-01"],
        ["--year", "2025", "--from", "2025-01-01", "--to", "2025-01-02"],
        ["--from", "yesterday", "--to", "2025-01-02"],
        ["--year", "0"],
    ],
)
def test_a_range_that_is_none_is_wrong_usage(built: Environment, arguments: list[str]) -> None:
    answer = built.run("wrapped", *arguments)

    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_a_file_that_cannot_be_written_is_named(built: Environment, tmp_path: Path) -> None:
    answer = built.run("wrapped", "--year", "2025", "--output", str(tmp_path / "no" / "such" / "page.html"))

    assert answer.returncode == 1
    assert "page.html" in answer.stderr
