"""Bring one thing after the other up to date, and let changes by hand stand.

Data flow: Thing, its mark, its parts as Metabase answers them -> create, update or leave -> Outcome
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.dashboards.kept import Kept, Mark, Parts, digest, digests

CREATED, UPDATED, UNCHANGED, KEPT, REMOVED = "created", "updated", "unchanged", "kept", "removed"


@dataclass(frozen=True)
class Outcome:
    """What became of one thing.

    Attributes:
        kind: `connection`, `table`, `card` or `dashboard`.
        name: As a person reads it.
        state: `created`, `updated`, `unchanged`, `removed`, or `kept` where somebody changed it by hand.
        changed: Parts that somebody changed by hand.
        is_behind: Whether a change by hand keeps a newer file from being applied.
    """

    kind: str
    name: str
    state: str
    changed: tuple[str, ...] = ()
    is_behind: bool = False


@dataclass(frozen=True)
class Thing:
    """One thing to bring up to date.

    Attributes:
        key: Names it among all, whatever it is called in Metabase; begins with its kind.
        name: As a person reads it.
        body: What it should be; its digest says whether the files changed.
        read: Its parts as they are, by its number; None where it is gone.
        create: Makes it and returns its number.
        update: Makes it what it should be.
        found: Number of one of the same name that no mark may know.
        texts: Its parts as they should be, where Metabase keeps them as they are sent.
    """

    key: str
    name: str
    body: Any
    read: Callable[[int], Parts | None]
    create: Callable[[], int]
    update: Callable[[int], None]
    found: int | None = None
    texts: Mapping[str, str] | None = None

    @property
    def kind(self) -> str:
        """The first word of the key."""
        return self.key.partition(":")[0]


@dataclass
class Ledger:
    """The marks, and what became of each thing so far.

    Attributes:
        force: Whether changes by hand are overwritten.
        begin: Called before anything is written.
    """

    kept: Kept
    force: bool
    begin: Callable[[], None]
    outcomes: list[Outcome] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)

    def settle(self, thing: Thing) -> int | None:
        """Brings a thing up to date and returns its number; None where it is gone and stays so."""
        self.settled.add(thing.key)
        mark, wanted = self.kept.marks.get(thing.key), digest(thing.body)
        number = mark.id if mark else thing.found
        if number is None:
            return self._create(thing, wanted)
        parts = thing.read(number)
        changed = self._by_hand(thing, mark, parts, wanted)
        if changed and not self.force:
            self._tell(thing, KEPT, changed, is_behind=mark is None or mark.wanted != wanted)
            return None if parts is None else number
        if parts is None:
            return self._create(thing, wanted)
        if changed or not _is_current(thing, mark, parts, wanted):
            return self._update(thing, number, wanted, changed, is_new=bool(mark and not mark.wanted))
        self.kept.marks[thing.key] = mark if mark and mark.wanted == wanted else Mark(number, wanted, digests(parts))
        self._tell(thing, UNCHANGED)
        return number

    def promise(self, key: str, number: int) -> None:
        """Marks what was made empty and is to be filled in this apply."""
        self.kept.marks[key] = Mark(number, "", {})

    def _create(self, thing: Thing, wanted: str) -> int:
        self.begin()
        number = thing.create()
        self._remember(thing, number, wanted)
        self._tell(thing, CREATED)
        return number

    def _update(self, thing: Thing, number: int, wanted: str, changed: tuple[str, ...], is_new: bool) -> int:
        self.begin()
        thing.update(number)
        self._remember(thing, number, wanted)
        self._tell(thing, CREATED if is_new else UPDATED, changed)
        return number

    def _remember(self, thing: Thing, number: int, wanted: str) -> None:
        parts = dict(thing.texts) if thing.texts is not None else thing.read(number)
        self.kept.marks[thing.key] = Mark(number, wanted, digests(parts or {}))

    def _by_hand(self, thing: Thing, mark: Mark | None, parts: Parts | None, wanted: str) -> tuple[str, ...]:
        is_ours = self.kept.unfinished and (mark is None or mark.wanted != wanted)
        if is_ours or (mark and not mark.wanted):
            return ()
        if parts is None:
            return ("removed",)
        if thing.texts is not None:
            return _other_texts(thing.texts, parts, mark)
        return changed_parts(mark, parts) if mark else ("not made by this",)

    def _tell(self, thing: Thing, state: str, changed: tuple[str, ...] = (), is_behind: bool = False) -> None:
        self.outcomes.append(Outcome(thing.kind, thing.name, state, changed, is_behind))


def changed_parts(mark: Mark, parts: Parts) -> tuple[str, ...]:
    """The parts that are not as Metabase answered after the last apply."""
    return tuple(name for name, known in mark.seen.items() if digest(parts.get(name)) != known)


def _is_current(thing: Thing, mark: Mark | None, parts: Parts, wanted: str) -> bool:
    if thing.texts is not None:
        return all(parts[name] == text for name, text in thing.texts.items())
    return bool(mark and mark.wanted == wanted)


def _other_texts(texts: Mapping[str, str], parts: Parts, mark: Mark | None) -> tuple[str, ...]:
    other = [name for name, text in texts.items() if parts[name] != text]
    known = mark.seen if mark else {}
    return tuple(name for name in other if (parts[name] or name in known) and digest(parts[name]) != known.get(name))
