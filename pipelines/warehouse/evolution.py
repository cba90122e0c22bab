"""How columns may change from one generation to the next.

Dashboards name columns. A column that is new goes last and harms nobody; a column or a table that goes, or changes its
type, breaks whoever uses it, so it needs `publish --migrate`.

Data flow: columns of the published tables, columns of the new ones -> columns of the next published tables
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sources.problem import Problem

Columns = Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What becomes of the published tables.

    Attributes:
        columns: Columns of every next published table, in order.
        broken: Why a table breaks its users, by table; unless migrating, only tables that hold nothing.
        gone: Tables that are published no longer.
    """

    columns: Mapping[str, Columns]
    broken: Mapping[str, str]
    gone: tuple[str, ...]


def plan(
    published: Mapping[str, Columns],
    new: Mapping[str, Columns],
    migrate: bool,
    current: Mapping[str, Columns] | None = None,
) -> Plan:
    """Plans the columns of the next generation.

    What is published and not of the current generation is left of one that was rolled back, and holds nothing: its
    columns stay, as nulls, until a migration; its tables go.

    Args:
        published: Type of each column by name, in order, for each published table.
        new: The same for the tables that are to be published.
        migrate: Allow changes that break users.
        current: What the current generation has of the published tables; all of it unless given.

    Raises:
        Problem: A change would break users and `migrate` is not given.
    """
    has = published if current is None else current
    if not migrate:
        new = {name: {**_left(published.get(name, {}), has.get(name, {})), **columns} for name, columns in new.items()}
    broken = {name: fault for name, columns in published.items() if (fault := _fault(columns, new.get(name)))}
    refused = {name: fault for name, fault in broken.items() if name in has or name in new}
    if refused and not migrate:
        changes = "; ".join(f"{name}: {fault}" for name, fault in sorted(refused.items()))
        raise Problem(
            f"The columns of gold change in a way that breaks whoever uses them: {changes}. Nothing was published. "
            "Run `publish --migrate` to allow it; what depends on these tables is then made again or named."
        )
    columns = {
        name: found if name in broken else _merged(published.get(name, {}), found) for name, found in new.items()
    }
    return Plan(columns, broken, tuple(sorted(set(published) - set(new))))


def _fault(published: Columns, new: Columns | None) -> str | None:
    if new is None:
        return "the table goes"
    faults = [
        f"{name} goes" if name not in new else f"{name} changes from {kind} to {new[name]}"
        for name, kind in published.items()
        if new.get(name) != kind
    ]
    return ", ".join(faults) or None


def _left(published: Columns, current: Columns) -> Columns:
    return {name: kind for name, kind in published.items() if name not in current}


def _merged(published: Columns, new: Columns) -> Columns:
    """The published columns in their order, then the new ones in theirs."""
    return {**{name: new[name] for name in published}, **new}
