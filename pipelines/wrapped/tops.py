"""The lists of a page: tops with bars and moves, discoveries, one-hit obsessions."""

from collections.abc import Mapping
from typing import Any

from pipelines.wrapped.markup import Markup, el
from pipelines.wrapped.pieces import card, fact, hours, tiles
from pipelines.wrapped.story import Story


def top(story: Story, question: str, title: str, name: str) -> Markup:
    """A top list: place, name, plays, time, and where it stood in the range before."""
    rows = story[question].rows
    if not rows:
        return card(story, title, el("p", "None known in this time.", class_="muted"), of=(question,), width="half")
    most = rows[0]["plays"]
    items = [_item(row, name, most) for row in rows]
    return card(story, title, el("ol", *items, class_="top", id=question), of=(question,), width="half")


def _item(row: Mapping[str, Any], name: str, most: int) -> Markup:
    by = row.get("artist_name") if name in ("track_name", "album_name") else None
    share = f"width:{max(2, 100 * row['plays'] / most):.1f}%"
    return el(
        "li",
        el("span", row["rank"], class_="place"),
        el("span", row[name] or "unknown", el("small", by) if by else None, class_="name"),
        el("span", f"{row['plays']:,} plays", el("small", hours(row["ms_played"]), " · ", _move(row)), class_="count"),
        el("span", el("span", style=share), class_="bar", aria_hidden="true"),
        data_id=row["id"],
        data_plays=row["plays"],
        data_ms=row["ms_played"],
    )


def _move(row: Mapping[str, Any]) -> str:
    before, now = row["previous_rank"], row["rank"]
    if before is None:
        return "was\N{NO-BREAK SPACE}not\N{NO-BREAK SPACE}there"
    if before == now:
        return "=\N{NO-BREAK SPACE}same\N{NO-BREAK SPACE}place"
    return f"{'▲' if before > now else '▼'}\N{NO-BREAK SPACE}was\N{NO-BREAK SPACE}{before}"


def discoveries(story: Story) -> Markup:
    """What was heard for the first time ever."""
    totals, before = story["totals"].row, story.before["totals"].row
    numbers = tiles(
        story,
        ("new artists", "new_artists", totals["new_artists"], before["new_artists"]),
        ("new songs", "new_tracks", totals["new_tracks"], before["new_tracks"]),
    )
    items = [
        _plain(row["artist_name"], f"since {row['first_played_on']}", f"{row['plays']:,} plays")
        for row in story["new_artists"].rows
    ]
    found = el("ol", *items, class_="top", id="discoveries") if items else None
    note = el("p", "New is what your history never held before.", class_="muted")
    return card(story, "Discoveries", numbers, note, found, of=("totals", "new_artists"), width="half")


def obsessions(story: Story) -> Markup:
    """Artists of whom one song was nearly all that was played."""
    rows = story["obsessions"].rows
    why = el("p", "One song, ten plays or more, and at least 60% of all that you played of its artist.", class_="muted")
    items = [
        _plain(row["track_name"], row["artist_name"], f"{row['plays']:,} plays", f"{row['share']:.0%} of the artist")
        for row in rows
    ]
    found = el("ol", *items, class_="top", id="obsessions") if items else el("p", "None this time.")
    count = el("p", fact("obsession_count", len(rows), len(rows)), class_="big") if rows else None
    return card(story, "One-hit obsessions", count, why, found, of=("obsessions",), width="half")


def _plain(name: str | None, under: str | None, count: str, small: str | None = None) -> Markup:
    return el(
        "li",
        el("span", "♪", class_="place", aria_hidden="true"),
        el("span", name or "unknown", el("small", under or "unknown"), class_="name"),
        el("span", count, el("small", small) if small else None, class_="count"),
    )
