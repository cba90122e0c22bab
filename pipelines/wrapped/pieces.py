"""Small pieces that every section is made of: facts, differences, the SQL behind."""

from typing import Any

from pipelines.wrapped.markup import Markup, el
from pipelines.wrapped.story import Story


def fact(name: str, value: object, shown: object) -> Markup:
    """A number that a machine can read back: `<data id=... value=...>`."""
    return el("data", shown, id=name, value=value)


def card(story: Story, title: str, *content: object, of: tuple[str, ...], width: str | None = None) -> Markup:
    """A section with a heading, its content, and the SQL of the questions that it answers."""
    return el("section", el("h2", title), *content, behind(story, of), class_=width)


def behind(story: Story, names: tuple[str, ...]) -> Markup:
    """The SQL behind a section, a click away."""
    queries = [el("pre", el("code", story[name].sql), tabindex="0") for name in names]
    return el("details", el("summary", "The SQL behind it"), *queries)


def at_least(story: Story) -> str:
    """`at least ` where a gap in the history makes numbers minimums."""
    return "at least " if story.is_minimum else ""


def minutes(ms: int | None) -> int:
    """Whole minutes of milliseconds, rounded."""
    return round((ms or 0) / 60_000)


def hours(ms: int | None) -> str:
    """Hours and minutes of milliseconds: `3 h 05 min`."""
    whole = minutes(ms)
    return f"{whole // 60} h {whole % 60:02} min" if whole >= 60 else f"{whole} min"


def difference(now: float, before: float) -> str | None:
    """How a number changed, in words; None where there is nothing to compare with."""
    if not before:
        return None
    change = (now - before) / before
    if abs(change) < 0.005:
        return f"as before ({before:,.0f})"
    return f"{'▲' if change > 0 else '▼'} {abs(change):.0%} from {before:,.0f}"


def tiles(story: Story, *entries: tuple[str, str, Any, Any]) -> Markup:
    """Numbers side by side.

    Args:
        story: Says whether they are minimums.
        entries: Label, name of the fact, value, value before.
    """
    return el("dl", *(_tile(story, *entry) for entry in entries), class_="tiles")


def _tile(story: Story, label: str, name: str, value: Any, before: Any) -> Markup:
    change = difference(value, before) if before is not None else None
    number = el("dd", at_least(story) or None, fact(name, value, f"{value:,}"), class_="number")
    return el("div", el("dt", label), number, el("dd", change, class_="delta") if change else None)
