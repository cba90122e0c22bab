"""How a source has changed its shape: columns and fields that are new, gone or of another kind, values never seen.

What only adds to what is known evolves by itself. What would spoil the tables that people read stops its own table,
until a person accepts it.

Data flow: shape before, shape now -> Change
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Shape = Mapping[str, str]
"""Kind of each column or field by name."""

FAMILIES = {
    **dict.fromkeys(("integer", "unsigned", "double", "decimal", "bit", "bigint", "ubigint", "hugeint"), "number"),
    **dict.fromkeys(("timestamp", "instant", "date"), "time"),
    **dict.fromkeys(("text", "enum", "varchar", "json", "time", "other"), "text"),
}
"""Kinds between which values go without loss of meaning."""


@dataclass(frozen=True)
class Change:
    """One change of a source's shape.

    Attributes:
        place: `<source>.<table>.<column or field>`, what `drift --accept` takes.
        what: `new`, `missing`, `retyped` or `value`.
        before: Kind that was known; empty for what is new.
        now: Kind that was found, or the value never seen; empty for what is missing.
        stops: Whether its table stops until a person accepts it.
    """

    place: str
    what: str
    before: str = ""
    now: str = ""
    stops: bool = False

    @property
    def told(self) -> str:
        """One sentence without a full stop."""
        return {
            "new": f"{self.place} is new ({self.now})",
            "missing": f"{self.place} is gone",
            "retyped": f"{self.place} was {self.before} and is {self.now}",
            "value": f"{self.place} has a value never seen: {self.now[:60]!r}",
        }[self.what]


def changes(
    place: str, before: Shape, now: Shape, vital: Collection[str], *, partial: bool = False
) -> Iterator[Change]:
    """What has changed between two shapes.

    Args:
        place: `<source>.<table>`.
        before: What was known; nothing at all is no basis for a comparison.
        now: What was found.
        vital: Columns that published tables are made of: without them, or in another kind, they would be spoiled.
        partial: `now` comes from few rows, in which only what is vital must be there.
    """
    if not before:
        return
    for name in sorted(before.keys() | now.keys()):
        one, other = before.get(name), now.get(name)
        if one is None:
            yield Change(f"{place}.{name}", "new", now=other or "")
        elif other is None:
            if name in vital or not partial:
                yield Change(f"{place}.{name}", "missing", one, stops=name in vital)
        elif one != other:
            differs = FAMILIES.get(one, one) != FAMILIES.get(other, other)
            if partial and not differs:
                continue
            yield Change(f"{place}.{name}", "retyped", one, other, stops=differs and name in vital)
