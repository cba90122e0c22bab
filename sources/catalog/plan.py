"""What a run has to read of a table, decided from what is known of the last time and what the table says now.

Every witness is taken before the rows are read. So whatever changes in between is seen as a change next time: it may
be read twice, it is never lost. Deciding needs SQLAlchemy alone, and a run that finds nothing new ends here.

- `full`: the table's content as a checksum; another content, another snapshot.
- `watermark`: rows above the last bound; the rows at the bound and those without a cursor again, whenever their content
  changed; and, for what is gone or was committed late behind the bound, keys and cursors compared with the lake.
- `partition`: a checksum for each date; the dates that differ.

Data flow: View, state -> Plan, or None
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sources.catalog.checksum import Tally
from sources.catalog.choice import IDS, Choice, environment
from sources.catalog.kinds import NUMBERS
from sources.catalog.tables import VITAL
from sources.catalog.view import View
from sources.drift import Change, changes
from sources.problem import Problem, UsageProblem

ALWAYS_COMPARED = 1_000_000
"""Up to so many rows, keys and cursors are compared on every run; above, when the counts say so, and once a day."""
COMPARED_EVERY = timedelta(days=1)
PARTITIONS_AT_ONCE = 50

State = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """What is asked of a run, the same for all tables.

    Attributes:
        now: When the run started.
        full_refresh: Make a new base of this table, whatever is known.
        backfill: First and last day to be read again.
        accepted: Places whose change of shape a person has accepted.
    """

    now: datetime
    full_refresh: bool = False
    backfill: tuple[date, date] | None = None
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Piece:
    """Rows that are read together: a condition, and how many they are if that is known."""

    where: str | None
    rows: int | None = None


@dataclass(frozen=True)
class Plan:
    """What is read of a table, and what is known once it is in the lake.

    Attributes:
        choice: How the table is read.
        pieces: What is read; without any, only a comparison is made.
        lower: Lower bound of the cursor; None for a base, which covers everything.
        upper: Upper bound of the cursor.
        partitions: Dates that are replaced, under `partition`.
        source: The whole table at the source under the upper bound, each id once; None where that was not counted.
        compare: Whether keys and cursors are compared with what the lake holds.
        expected: What the pieces should bring; None where that was not counted.
        dated: The same for each date, under `partition`.
        counted: The table's rows by a bare count.
        counts: Whether that count is made while the rows are read.
        held: What the lake held before, as far as it is known.
        is_base: Whether this covers everything and takes the place of all that came before.
        later: The state once this is loaded.
    """

    choice: Choice
    pieces: tuple[Piece, ...]
    lower: str | None
    upper: str | None
    source: Tally | None
    later: dict[str, Any] = field(hash=False)
    partitions: tuple[str, ...] = ()
    compare: bool = False
    expected: Tally | None = None
    dated: Mapping[str, Tally] = field(default_factory=dict, hash=False)
    counted: int | None = None
    counts: bool = False
    held: Tally | None = None
    is_base: bool = False


def make_plan(view: View, state: State, ask: Ask) -> Plan | None:
    """Decide what to read of a table; None when nothing is new.

    Args:
        view: The table.
        state: What the last plan for it left; empty at first.
        ask: What is asked of the run.

    Raises:
        Problem: The table is empty or has shrunk to less than half, and that is not allowed; or it has no ids.
    """
    choice = view.sql.choice
    if choice.id is None:
        raise Problem(
            f"The catalog's table {choice.table} has no column {IDS[choice.table]}, which tells its rows apart."
        )
    planners = {"full": _full, "watermark": _watermark, "partition": _partition}
    return planners[choice.strategy](view, state, ask)


def _is_new(view: View, state: State, ask: Ask) -> bool:
    return ask.full_refresh or state.get("signature") != view.sql.choice.signature


def _later(view: View, rows: int, **known: object) -> dict[str, Any]:
    return {"signature": view.sql.choice.signature, "shape": view.sql.choice.shape, "rows": rows, **known}


def _guard(choice: Choice, state: State, rows: int) -> None:
    before = int(state.get("rows") or 0)
    if rows * 2 < before and not choice.allow_shrink:
        raise Problem(
            f"The catalog's table {choice.table} has {rows:,} rows where it had {before:,} the last time. It was left "
            f"as it is in the lake; if the rows are rightly gone, set {environment(choice.table, 'allow_shrink')}=true "
            "for one run."
        )


def _full(view: View, state: State, ask: Ask) -> Plan | None:
    choice = view.sql.choice
    content = view.tally("content")
    _guard(choice, state, content.rows)
    same = state.get("content") == content.stored()
    if same and ask.backfill is None and not _is_new(view, state, ask):
        return None
    later = _later(view, content.rows, content=content.stored())
    whole = (Piece(None, content.rows),)
    return Plan(choice, whole, None, None, _ids(view, content), later, expected=content, is_base=True)


def _watermark(view: View, state: State, ask: Ask) -> Plan | None:
    sql, about, top = view.sql, _first_look(view, state, ask), view.top()
    rows = about or view.count()
    _guard(sql.choice, state, rows)
    at_top = view.tally("content", sql.compare("=", top)) if top is not None else Tally()
    nulls = view.tally("content", sql.without_cursor())
    later = _later(view, rows, bound=top, at_bound=at_top.stored(), nulls=nulls.stored())
    upper = None if top is None else str(top)
    if _is_new(view, state, ask):
        source = view.tally("cursor", sql.up_to(top)) if rows <= ALWAYS_COMPARED else None
        later["compared_at"] = ask.now.isoformat()
        whole = (Piece(sql.up_to(top), rows),)
        plan = Plan(sql.choice, whole, None, upper, source, later, expected=source, is_base=True)
        return replace(plan, counts=True) if about else replace(plan, counted=rows)
    pieces = _changed_pieces(view, state, ask, top, nulls)
    later["compared_at"] = state["compared_at"]
    held = Tally.restored(state.get("held"))
    due = _is_due(state, ask, rows, changed=bool(pieces))
    source = view.tally("cursor", sql.up_to(top)) if due else None
    if not pieces and (not due or (source == held and rows <= ALWAYS_COMPARED)):
        return None
    if due:
        later["compared_at"] = ask.now.isoformat()
    lower = str(state["bound"]) if state["bound"] is not None else ""
    return Plan(sql.choice, pieces, lower, upper, source, later, compare=due and source != held, held=held)


def _first_look(view: View, state: State, ask: Ask) -> int:
    """About how many rows a table has that is far too large to be compared and was never seen; else 0.

    Counting takes a large table's server seconds and tells nothing before the rows are read.
    """
    about = view.estimate() if _is_new(view, state, ask) and not state.get("rows") else 0
    return about if about > 2 * ALWAYS_COMPARED else 0


def _is_due(state: State, ask: Ask, rows: int, *, changed: bool) -> bool:
    if rows <= ALWAYS_COMPARED:
        return True
    doubtful = rows < int(state["rows"]) or (rows != int(state["rows"]) and not changed)
    return doubtful or ask.now - datetime.fromisoformat(state["compared_at"]) >= COMPARED_EVERY


def _changed_pieces(view: View, state: State, ask: Ask, top: str | int | None, nulls: Tally) -> tuple[Piece, ...]:
    sql, bound = view.sql, state["bound"]
    if ask.backfill:
        _demand_days(sql.choice)
    found = []
    if top is not None and bound is None:
        found.append(Piece(sql.compare("<=", top)))
    elif top is not None and top != bound:
        found.append(Piece(f"{sql.compare('>', bound)} and {sql.compare('<=', top)}"))
    if bound is not None:
        at_bound = view.tally("content", sql.compare("=", bound))
        if at_bound.stored() != state["at_bound"]:
            found.append(Piece(sql.compare("=", bound), at_bound.rows))
    if nulls.stored() != state["nulls"]:
        found.append(Piece(sql.without_cursor(), nulls.rows))
    if ask.backfill and top is not None:
        first, last = ask.backfill
        end = (last + timedelta(days=1)).isoformat()
        days = f"{sql.compare('>=', first.isoformat())} and {sql.compare('<', end)}"
        found.append(Piece(f"{days} and {sql.compare('<=', top)}"))
    return tuple(piece for piece in found if piece.rows != 0)


def _demand_days(choice: Choice) -> None:
    if choice.cursor is not None and choice.cursor.kind in NUMBERS:
        raise UsageProblem(
            f"--backfill takes days, and {choice.cursor.name}, the cursor of the catalog's table {choice.table}, is a "
            f"whole number: read the table anew with --full-refresh."
        )


def _partition(view: View, state: State, ask: Ask) -> Plan | None:
    sql = view.sql
    tallies: dict[str, Tally] = view.tallies("content", by="partition")
    source = sum(tallies.values(), Tally())
    _guard(sql.choice, state, source.rows)
    prints = {label: f"{tally.rows}:{tally.measure % (1 << 61)}" for label, tally in tallies.items()}
    later = _later(view, source.rows, partitions=prints)
    if _is_new(view, state, ask):
        labels = tuple(sorted(tallies))
        whole = (Piece(None, source.rows),)
        ids = _ids(view, source)
        return Plan(sql.choice, whole, None, None, ids, later, labels, expected=source, dated=tallies, is_base=True)
    before: Mapping[str, str] = state["partitions"]
    changed = [
        label
        for label in sorted(prints.keys() | before.keys())
        if prints.get(label) != before.get(label) or _asked(label, ask)
    ]
    if not changed:
        return None
    there = [label for label in changed if label in tallies]
    groups = [there[start : start + PARTITIONS_AT_ONCE] for start in range(0, len(there), PARTITIONS_AT_ONCE)]
    pieces = [Piece(sql.in_partitions(group), sum(tallies[label].rows for label in group)) for group in groups]
    expected = sum((tallies[label] for label in there), Tally())
    told, labels = _ids(view, source), tuple(changed)
    return Plan(sql.choice, tuple(pieces), labels[0], labels[-1], told, later, labels, expected=expected, dated=tallies)


def _ids(view: View, rows: Tally) -> Tally | None:
    """Rows as silver will hold them: it takes one of those that share an id, and none without."""
    choice = view.sql.choice
    return rows if choice.has_unique_id and not choice.may_lack_id else view.ids(rows)


def _asked(label: str, ask: Ask) -> bool:
    if ask.backfill is None:
        return False
    first, last = ask.backfill
    return first.isoformat() <= label <= last.isoformat()


def asked_now(
    *, full_refresh: bool = False, backfill: tuple[date, date] | None = None, accepted: frozenset[str] = frozenset()
) -> Ask:
    """What is asked of a run that starts now."""
    return Ask(datetime.now(UTC), full_refresh, backfill, accepted)


def shape_changes(choice: Choice, state: State) -> tuple[Change, ...]:
    """How a table has changed its columns since it was loaded the last time."""
    return tuple(changes(f"catalog.{choice.table}", state.get("shape", {}), choice.shape, VITAL.get(choice.table, ())))


def demand_shape(choice: Choice, state: State, ask: Ask) -> None:
    """Make sure that nothing which published tables need has gone or changed its kind.

    Raises:
        Problem: It has, and nobody has accepted that.
    """
    faults = [found for found in shape_changes(choice, state) if found.stops and found.place not in ask.accepted]
    if faults:
        raise Problem(
            f"The catalog's table {choice.table} has changed its shape: {'; '.join(each.told for each in faults)}. It "
            "was left as it is in the lake, and what is published stays; mend it at the source, or go on without by "
            f"`python pipelines/run.py drift --accept {faults[0].place}`."
        )
