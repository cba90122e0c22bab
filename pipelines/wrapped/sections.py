"""The sections of a page that tell one thing each; lists are in `tops`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipelines.wrapped import charts
from pipelines.wrapped.markup import Markup, el
from pipelines.wrapped.personality import judge
from pipelines.wrapped.pieces import card, fact, hours, minutes, tiles
from pipelines.wrapped.questions import TASTE_FEATURES
from pipelines.wrapped.story import Story

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FEEDS = {
    "api": "Spotify's API",
    "extended": "the extended history",
    "account": "the account data",
    "lastfm": "Last.fm",
    "listenbrainz": "ListenBrainz",
}
SHARES = (
    ("from your ten artists", "top_ten_share"),
    ("songs new to you", "new_share"),
    ("between 22:00 and 5:00", "night_share"),
    ("on weekends", "weekend_share"),
)
CHART_BY_DAY_UNTIL = 92


def totals(story: Story) -> Markup:
    """The sums, beside those of the range before."""
    now, before = story["totals"].row, story.before["totals"].row
    entries = [("plays", "plays"), ("songs", "tracks"), ("artists", "artists"), ("days with music", "days")]
    shown = [(label, name, now[name], before[name]) for label, name in entries]
    time = ("minutes", "minutes_again", minutes(now["ms_played"]), minutes(before["ms_played"]))
    against = f"Compared with {story.span.before.label}."
    if not before["plays"]:
        against = f"There is no listening in {story.span.before.label} to compare with."
    if story.before["gaps"].row["gaps"]:
        against += " That time has a gap, so what it holds is a minimum."
    began = story["history"].row["first_on"]
    if began and began > story.span.before.first:
        against += f" Your history begins on {began}."
    return card(story, "In numbers", tiles(story, time, *shown), el("p", against, class_="muted"), of=("totals",))


def through_time(story: Story) -> Markup:
    """Minutes by month, or by day where the range is short."""
    by_day = story.span.days <= CHART_BY_DAY_UNTIL
    question, key = ("by_day", "played_on") if by_day else ("by_month", "month")
    pattern = "%d %b" if by_day else "%b %Y"
    rows = story[question].rows
    every = max(1, len(rows) // 12 + 1)
    values = [
        (_tick(row[key], by_day) if place % every == 0 else "", _bar_title(row[key], pattern, row), row["ms_played"])
        for place, row in enumerate(rows)
    ]
    title = "Day by day" if by_day else "Month by month"
    best = max(rows, key=lambda row: row["ms_played"])
    words = f"Most in {best[key].strftime(pattern)}: {minutes(best['ms_played']):,} minutes."
    chart = charts.bars(values, f"Minutes over time. {words}")
    return card(story, title, el("figure", chart, el("figcaption", words)), of=(question,))


def _tick(at: date, by_day: bool) -> str:
    return at.strftime("%d.%m") if by_day else at.strftime("%b")


def _bar_title(at: date, pattern: str, row: Mapping[str, Any]) -> str:
    return f"{at.strftime(pattern)}: {minutes(row['ms_played']):,} minutes, {row['plays']:,} plays"


def personality(story: Story) -> Markup:
    """The personality of taste, with its rules."""
    found = judge(story["habits"].row, story["taste"].row)
    if found is None:
        return card(story, "Your taste", el("p", "Too little to tell."), of=("habits", "taste"), width="half")
    return card(
        story,
        "Personality of taste",
        el("p", found.name, class_="big", id="personality"),
        el("p", found.sentence),
        el("dl", *(_share(label, name, story["habits"].row[name]) for label, name in SHARES), class_="tiles"),
        el("p", found.why, class_="muted"),
        of=("habits", "taste"),
        width="half",
    )


def _share(label: str, name: str, value: float) -> Markup:
    number = fact(name, f"{value:.6f}", f"{value:.0%}")
    return el("div", el("dt", label), el("dd", number, class_="number"))


def radar(story: Story) -> Markup:
    """How the music sounded, now and before."""
    now, before = story["taste"].row, story.before["taste"].row
    known = now.get("known_share") or 0
    if any(now.get(name) is None for name in TASTE_FEATURES):
        nothing = el("p", "Spotify's audio features of these songs are not known.", class_="muted")
        return card(story, "How it sounded", nothing, of=("taste",), width="half")
    axes = [(name, now[name], before.get(name)) for name in TASTE_FEATURES]
    words = ", ".join(f"{name} {value:.2f}" for name, value, _ in axes)
    caption = f"Means from 0 to 1, weighted by listening time; {known:.0%} of it has audio features."
    if before.get("known_share"):
        caption += f" Dashed: {story.span.before.label}."
    chart = el("div", charts.radar(axes, f"Audio features: {words}."), class_="radar")
    return card(story, "How it sounded", el("figure", chart, el("figcaption", caption)), of=("taste",), width="half")


def clock(story: Story) -> Markup:
    """Weekdays by hours."""
    cells = {(row["weekday"], row["hour"]): row["plays"] for row in story["clock"].rows}
    (weekday, hour), plays = max(cells.items(), key=lambda cell: (cell[1], -cell[0][0], -cell[0][1]))
    start = WEEK.index(story.week_start)
    order = [(start + place) % 7 + 1 for place in range(7)]
    words = f"Your hour: {WEEK[weekday - 1].title()} at {hour}:00, with {plays:,} plays."
    chart = el("div", charts.heat(cells, order, f"Plays by weekday and hour. {words}"), class_="heatmap")
    top = el("p", fact("busiest_cell", f"{weekday}-{hour}-{plays}", words))
    return card(story, "Listening clock", top, el("figure", chart), of=("clock",), width="two-thirds")


def dial(story: Story) -> Markup:
    """A day as a dial."""
    by_hour = [sum(row["plays"] for row in story["clock"].rows if row["hour"] == hour) for hour in range(24)]
    best = max(range(24), key=lambda hour: by_hour[hour])
    words = f"Most between {best}:00 and {(best + 1) % 24}:00."
    chart = el("div", charts.dial(by_hour, f"Plays by hour of the day, midnight at the top. {words}"), class_="dial")
    figure = el("figure", chart, el("figcaption", words))
    return card(story, "Round the clock", figure, of=("clock",), width="third")


def biggest_day(story: Story) -> Markup:
    """The day with the most music."""
    day = story["biggest_day"].row
    when = f"{day['played_on']:%A}, {day['played_on'].day} {day['played_on']:%B %Y}"
    artist = day["top_artist"] or "an unknown artist"
    return card(
        story,
        "Biggest day",
        el("p", fact("biggest_day", day["played_on"], when), class_="big"),
        el(
            "p",
            fact("biggest_day_minutes", minutes(day["ms_played"]), hours(day["ms_played"])),
            f" of music: {day['plays']:,} plays of {day['tracks']:,} songs by {day['artists']:,} artists, "
            f"most of all {artist}.",
        ),
        of=("biggest_day",),
        width="half",
    )


def longest(story: Story) -> Markup:
    """The longest streak and the longest session."""
    streak, session = story["streak"].row, story["session"].row
    days = f"{streak['days']:,} days" if streak["days"] != 1 else "one day"
    parts = [
        el("p", fact("streak", streak["days"], days), class_="big"),
        el("p", f"in a row with music, from {streak['from_on']} to {streak['to_on']}."),
    ]
    if session:
        when = f" without a long break, {session['plays']:,} plays, on {session['started_on']}."
        parts += [el("h3", "Longest session"), el("p", hours(session["ms_played"]), when)]
    return card(story, "Longest streak", *parts, of=("streak", "session"), width="half")


def completeness(story: Story) -> Markup:
    """Whether the numbers are all that there is, and who told them."""
    gaps = story["gaps"].row
    if story.is_minimum:
        missing = gaps["missing_at_least"]
        plays = f"at least {missing:,} plays" if missing else "nobody knows how many plays"
        text = (
            f"Your history has {gaps['gaps']:,} gap{'s' if gaps['gaps'] != 1 else ''} here, between "
            f"{gaps['from_at']:%Y-%m-%d %H:%M} and {gaps['to_at']:%Y-%m-%d %H:%M}, with {plays} "
            "missing: every number on this page is a minimum. Your next privacy export closes it."
        )
    else:
        text = "No gap is known in this time: the numbers are what your sources hold."
    told = [f"{row['plays']:,} plays from {FEEDS.get(row['source'], row['source'])}" for row in story["sources"].rows]
    estimated = sum(row["estimated"] for row in story["sources"].rows)
    lines = [el("p", text, id="completeness"), el("p", f"{'; '.join(told)}.", class_="muted") if told else None]
    if estimated:
        lines.append(el("p", f"The listening time of {estimated:,} plays is an estimate.", class_="muted"))
    return card(story, "How complete this is", *lines, of=("gaps", "sources"))
