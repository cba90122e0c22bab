"""Charts as hand-made SVG: colours come from the style sheet, every mark has a title, none needs a script.

Data flow: numbers -> SVG
"""

import math
from collections.abc import Mapping, Sequence

from pipelines.wrapped.markup import Markup, el, join

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STEPS = 6
RADAR_LEFT, RADAR_WIDTH = 150, 620
HEAT_LEFT, HEAT_STEP = 64, 27.3


def bars(values: Sequence[tuple[str, str, float]], label: str) -> Markup:
    """A column per value.

    Args:
        values: Name under the column (may be empty), title, value; not negative.
        label: What a screen reader says.

    Returns:
        A picture 720 wide and 190 high.
    """
    most = max((value for _, _, value in values), default=0) or 1
    width = 720 / max(len(values), 1)
    marks = []
    for place, (name, title, value) in enumerate(values):
        height = 150 * value / most
        left, inner = place * width + width * 0.12, width * 0.76
        marks.append(
            el(
                "rect",
                el("title", title),
                x=f"{left:.1f}",
                y=f"{155 - height:.1f}",
                width=f"{inner:.1f}",
                height=f"{max(height, 1):.1f}",
                rx="3" if inner > 8 else "1",
                class_="mark",
            )
        )
        if name:
            marks.append(el("text", name, x=f"{left + inner / 2:.1f}", y="178", text_anchor="middle"))
    return _picture(720, 190, label, marks)


def heat(cells: Mapping[tuple[int, int], int], order: Sequence[int], label: str) -> Markup:
    """Weekdays by hours: the darker, the more.

    Args:
        cells: Plays by ISO weekday and hour.
        order: ISO weekdays from top to bottom.
        label: What a screen reader says.

    Returns:
        A picture 720 wide and 250 high.
    """
    most = max(cells.values(), default=0) or 1
    marks = [el("text", f"{hour}:00", x=f"{HEAT_LEFT + hour * HEAT_STEP:.1f}", y="16") for hour in range(0, 24, 6)]
    for row, weekday in enumerate(order):
        top = 26 + row * 32
        marks.append(el("text", WEEKDAYS[weekday - 1], x="0", y=f"{top + 20}"))
        marks += [_cell(cells.get((weekday, hour), 0), most, hour, top, WEEKDAYS[weekday - 1]) for hour in range(24)]
    return _picture(720, 252, label, marks)


def _cell(plays: int, most: int, hour: int, top: int, weekday: str) -> Markup:
    return el(
        "rect",
        el("title", f"{weekday} {hour}:00: {plays:,} plays"),
        x=f"{HEAT_LEFT + hour * HEAT_STEP:.1f}",
        y=top,
        width=24,
        height=28,
        rx=5,
        class_=f"heat h{math.ceil(STEPS * plays / most)}",
    )


def dial(hours: Sequence[int], label: str) -> Markup:
    """A day as a dial of 24 beams, midnight at the top.

    Args:
        hours: Plays of each hour from 0 to 23.
        label: What a screen reader says.

    Returns:
        A picture 320 wide and 320 high.
    """
    most = max(hours, default=0) or 1
    marks = [el("circle", cx=160, cy=160, r=r, class_="ring") for r in (52, 90, 128)]
    marks += [_beam(hour, plays, 52 + 76 * plays / most) for hour, plays in enumerate(hours)]
    for hour in (0, 6, 12, 18):
        x, y = _polar(146, hour / 24)
        marks.append(el("text", hour, x=f"{x:.1f}", y=f"{y + 5:.1f}", text_anchor="middle"))
    return _picture(320, 320, label, marks)


def _beam(hour: int, plays: int, radius: float) -> Markup:
    corners = [_polar(r, (hour + turn) / 24) for r, turn in ((52, -0.4), (radius, -0.4), (radius, 0.4), (52, 0.4))]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return el("polygon", el("title", f"{hour}:00: {plays:,} plays"), points=points, class_="mark")


def radar(axes: Sequence[tuple[str, float, float | None]], label: str) -> Markup:
    """Axes from 0 to 1 around a centre: now filled, before as an outline.

    Args:
        axes: Name, value now, value before (None where unknown).
        label: What a screen reader says.

    Returns:
        A picture 620 wide and 330 high.
    """
    marks = [_web([level] * len(axes), "ring") for level in (0.25, 0.5, 0.75, 1.0)]
    before = [value for _, _, value in axes if value is not None]
    if len(before) == len(axes):
        marks.append(_web(before, "before"))
    marks.append(_web([value for _, value, _ in axes], "shape"))
    for place, (name, value, _) in enumerate(axes):
        x, y = _polar(138, place / len(axes))
        is_beside = abs(x - 160) > 20
        anchor = ("start" if x > 160 else "end") if is_beside else "middle"
        under = {"x": f"{x + RADAR_LEFT:.1f}", "dy": "1.15em"} if is_beside else {}
        words = el("tspan", f"{name} "), el("tspan", f"{value:.2f}", **under)
        marks.append(el("text", *words, x=f"{x + RADAR_LEFT:.1f}", y=f"{y + 9:.1f}", text_anchor=anchor))
    return _picture(RADAR_WIDTH, 330, label, marks)


def _web(values: Sequence[float], kind: str) -> Markup:
    points = (_polar(120 * min(max(value, 0), 1), place / len(values)) for place, value in enumerate(values))
    return el("polygon", points=" ".join(f"{x + RADAR_LEFT:.1f},{y + 5:.1f}" for x, y in points), class_=kind)


def _polar(radius: float, turn: float) -> tuple[float, float]:
    angle = 2 * math.pi * turn - math.pi / 2
    return 160 + radius * math.cos(angle), 160 + radius * math.sin(angle)


def _picture(width: int, height: int, label: str, marks: Sequence[Markup]) -> Markup:
    return el("svg", join(*marks), viewBox=f"0 0 {width} {height}", role="img", aria_label=label)
