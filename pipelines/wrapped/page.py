"""The page: one HTML file without a script, a font or a picture from anywhere else.

Each section shows the SQL behind its numbers in a `details` that needs a click. The page forbids itself every request
by its content security policy, so it tells nobody that it was opened.

Data flow: Story -> HTML
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.wrapped import sections, tops
from pipelines.wrapped.markup import Markup, el, join
from pipelines.wrapped.pieces import at_least, fact, minutes
from pipelines.wrapped.story import Story

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = Path(__file__).with_name("style.css")


def render(story: Story) -> str:
    """The whole page.

    Args:
        story: The answers of a range.

    Returns:
        HTML, for a file of its own.
    """
    title = f"Wrapped: {story.span.label}"
    head = join(
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        el("title", title),
        el("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    body = join(_hero(story), el("main", *_sections(story)), _foot(story))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _hero(story: Story) -> Markup:
    totals = story["totals"].row
    return el(
        "header",
        el("p", f"Wrapped · {story.span.label}", class_="kicker"),
        el(
            "h1",
            at_least(story),
            fact("minutes", minutes(totals["ms_played"]), f"{minutes(totals['ms_played']):,}"),
            el("small", "minutes of music"),
        ),
        el("p", _opening(story, totals)),
    )


def _opening(story: Story, totals: Mapping[str, Any]) -> str:
    if not totals["plays"]:
        return "Nothing was played in this time."
    artist = story["top_artists"].row.get("artist_name") or "an unknown artist"
    track = story["top_tracks"].row.get("track_name") or "an unknown song"
    days = totals["ms_played"] / 86_400_000
    return f"{days:,.1f} days and nights of sound. Most of all {artist}; more than any other song, {track}."


def _sections(story: Story) -> list[Markup]:
    if not story["totals"].row["plays"]:
        return [sections.completeness(story)]
    return [
        sections.totals(story),
        tops.top(story, "top_artists", "Artists", "artist_name"),
        tops.top(story, "top_tracks", "Songs", "track_name"),
        sections.through_time(story),
        sections.personality(story),
        sections.radar(story),
        sections.clock(story),
        sections.dial(story),
        tops.top(story, "top_albums", "Albums", "album_name"),
        tops.top(story, "top_genres", "Genres", "genre"),
        sections.biggest_day(story),
        sections.longest(story),
        tops.discoveries(story),
        tops.obsessions(story),
        sections.completeness(story),
    ]


def _foot(story: Story) -> Markup:
    play = f"A play counts from {story.min_play_seconds} seconds on"
    if story.min_play_share:
        play += f" and {story.min_play_share:.0%} of the song"
    return el(
        "footer",
        el("p", f"{play}. Days and hours are those of {story.zone}; the same recording on two albums is one song."),
        el("p", "Every number comes from the SQL under it: paste it into `python pipelines/run.py sql`."),
    )
