"""Bring Metabase to what the files say, writing only where they differ.

First the connection and what Metabase knows of the tables, then empty dashboards, so that clicks can lead to them, then
cards and the dashboards' places for them. What the files no longer hold is put into Metabase's trash.

Data flow: Source, gold tables -> things -> Metabase; what became of each -> Outcome
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.dashboards import kept as keeping
from pipelines.dashboards import payloads, warehouse
from pipelines.dashboards.client import Metabase, Rehearsal
from pipelines.dashboards.files import Card, Dashboard, Source
from pipelines.dashboards.kept import Kept, Parts
from pipelines.dashboards.settle import KEPT, REMOVED, Ledger, Outcome, Thing, changed_parts
from pipelines.settings import Settings
from pipelines.warehouse.gold import GoldTable

NOTE = "select 'The marks of these dashboards are in the description of this question.' as note"


@dataclass
class Place:
    """Where everything goes in Metabase.

    Attributes:
        items: Number of each card and dashboard of the collection by kind and name.
        database: None until the connection is made.
        marker: Number of the card that keeps the marks.
    """

    metabase: Metabase
    collection: int
    items: Mapping[tuple[str, str], int]
    kept: Kept
    database: int | None = None
    marker: int | None = None
    has_begun: bool = field(default=False)

    def begin(self) -> None:
        """Says in Metabase that an apply is at work; what it writes is its own even if it is killed."""
        if self.database is not None and not self.has_begun:
            self.has_begun = True
            self.save(replace(self.kept, unfinished=True))

    def save(self, kept: Kept) -> None:
        """Writes the marks."""
        query = {"type": "native", "database": self.database, "native": {"query": NOTE, "template-tags": {}}}
        body: dict[str, Any] = {"name": keeping.NAME, "description": keeping.to_text(kept), "display": "table"}
        body |= {"dataset_query": query, "visualization_settings": {}, "collection_id": self.collection}
        if self.marker is None:
            self.marker = self.metabase.post("/api/card", body)["id"]
        else:
            self.metabase.put(f"/api/card/{self.marker}", body)


def apply(
    metabase: Metabase, settings: Settings, source: Source, tables: Sequence[GoldTable], force: bool = False
) -> list[Outcome]:
    """Apply everything.

    Args:
        metabase: A signed-in connection.
        settings: The environment; its warehouse is what Metabase reads.
        source: The files.
        tables: The published gold tables, for their descriptions.
        force: Overwrite changes by hand.

    Returns:
        What became of each thing.

    Raises:
        Problem: Metabase refused something; a later apply goes on.
    """
    place = _place(metabase, source)
    ledger, before = Ledger(place.kept, force, place.begin), dict(place.kept.marks)
    place.database = ledger.settle(_connection(place, ledger, settings, source))
    if place.database is None:
        return ledger.outcomes  # the connection was removed by hand: nothing can be asked
    seen = _tables(place, source, tables)
    for table in tables:
        ledger.settle(_descriptions(metabase, table, seen[table.name]))
    fields = {f"{name}.{column}": item.id for name, table in seen.items() for column, item in table.columns.items()}
    ids = payloads.Ids(place.database, place.collection, fields, {}, {})
    ids = replace(ids, dashboards={item.key: _dashboard_id(place, ledger, item, ids) for item in source.dashboards})
    pairs = [(item, card) for item in source.dashboards for card in item.cards]
    numbers = {payloads.card_key(item, card): ledger.settle(_card(place, item, card, ids)) for item, card in pairs}
    ids = replace(ids, cards={key: number for key, number in numbers.items() if number is not None})
    for item in source.dashboards:
        ledger.settle(_dashboard(place, item, ids))
    _clear(place, ledger)
    if place.has_begun or place.kept.unfinished or place.kept.marks != before:
        place.save(replace(place.kept, unfinished=False))
    return ledger.outcomes


def _place(metabase: Metabase, source: Source) -> Place:
    known = metabase.get("/api/collection") or []
    found = [item["id"] for item in known if item["name"] == source.collection and not item.get("archived")]
    body = {"name": source.collection, "description": source.description}
    collection = found[0] if found else metabase.post("/api/collection", body)["id"]
    answer = metabase.get(f"/api/collection/{collection}/items") or {}
    items = {(_kind(item["model"]), item["name"]): item["id"] for item in answer.get("data", [])}
    marker = items.get(("card", keeping.NAME))
    card = metabase.get(f"/api/card/{marker}") if marker else None
    kept = keeping.from_text(card.get("description") if card else None)
    return Place(metabase, collection, items, kept, marker=marker)


def _kind(model: str) -> str:
    return "dashboard" if model == "dashboard" else "card"


def _connection(place: Place, ledger: Ledger, settings: Settings, source: Source) -> Thing:
    body = warehouse.connection_body(settings, source)
    changes = {name: value for name, value in body.items() if name != "is_full_sync"}
    answer = place.metabase.get("/api/database") or []
    known = answer["data"] if isinstance(answer, dict) else answer
    found = next((item for item in known if item["name"] == source.name), None)
    if found and "connection" not in place.kept.marks and _is_same(found, body):
        ledger.promise("connection", found["id"])  # made by an apply that was killed before it could leave its marks
    return Thing(
        key="connection",
        name=source.name,
        body=warehouse.without_secret(body),
        read=lambda number: _parts(place.metabase, f"/api/database/{number}", keeping.database_parts),
        create=lambda: int(place.metabase.post("/api/database", body)["id"]),
        update=lambda number: place.metabase.put(f"/api/database/{number}", changes),
        found=found["id"] if found else None,
    )


def _is_same(found: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    secret = {"password"}
    wanted = {(name, value) for name, value in body["details"].items() if name not in secret}
    return wanted <= {(name, found["details"].get(name)) for name, _ in wanted}


def _tables(place: Place, source: Source, tables: Iterable[GoldTable]) -> dict[str, warehouse.Table]:
    needed = {column for item in source.dashboards for card in item.cards for column in card.fields.values()}
    needed |= {f"{table.name}.{column}" for table in tables for column in table.descriptions}
    if isinstance(place.metabase, Rehearsal):
        return warehouse.rehearsed(place.metabase, place.database or 0, source.schema, needed)
    return warehouse.tables(place.metabase, place.database or 0, source.schema, needed)


def _descriptions(metabase: Metabase, table: GoldTable, seen: warehouse.Table) -> Thing:
    texts = {"table": table.description, **table.descriptions}
    now = {"table": seen.description, **{name: seen.columns[name].description for name in table.descriptions}}
    parts: Parts = {name: text or "" for name, text in now.items()}
    paths = {"table": f"/api/table/{seen.id}"}
    paths |= {name: f"/api/field/{seen.columns[name].id}" for name in table.descriptions}

    def update(_number: int) -> None:
        for name, text in texts.items():
            if parts[name] != text:
                metabase.put(paths[name], {"description": text})

    return Thing(
        f"table:{table.name}", table.name, texts, lambda _number: parts, lambda: seen.id, update, seen.id, texts
    )


def _dashboard_id(place: Place, ledger: Ledger, item: Dashboard, ids: payloads.Ids) -> int:
    key, found = f"dashboard:{item.key}", place.items.get(("dashboard", item.name))
    mark = place.kept.marks.get(key)
    if mark or found:
        return mark.id if mark else found or 0
    place.begin()
    number = int(place.metabase.post("/api/dashboard", payloads.dashboard_body(item, ids))["id"])
    ledger.promise(key, number)
    return number


def _card(place: Place, item: Dashboard, card: Card, ids: payloads.Ids) -> Thing:
    body, metabase = payloads.card_body(item, card, ids), place.metabase
    return Thing(
        key=f"card:{payloads.card_key(item, card)}",
        name=f"{item.name} / {card.name}",
        body=body,
        read=lambda number: _parts(metabase, f"/api/card/{number}", keeping.card_parts),
        create=lambda: int(metabase.post("/api/card", body)["id"]),
        update=lambda number: metabase.put(f"/api/card/{number}", {**body, "archived": False}),
        found=place.items.get(("card", card.name)),
    )


def _dashboard(place: Place, item: Dashboard, ids: payloads.Ids) -> Thing:
    metabase = place.metabase

    def update(number: int) -> None:
        answer = metabase.get(f"/api/dashboard/{number}") or {}
        placed = {card["card_id"]: card["id"] for card in answer.get("dashcards", []) if card.get("card_id")}
        metabase.put(f"/api/dashboard/{number}", {**payloads.layout_body(item, ids, placed), "archived": False})

    def create() -> int:
        number = int(metabase.post("/api/dashboard", payloads.dashboard_body(item, ids))["id"])
        update(number)
        return number

    return Thing(
        key=f"dashboard:{item.key}",
        name=item.name,
        body=payloads.layout_body(item, ids, {}),
        read=lambda number: _parts(metabase, f"/api/dashboard/{number}", keeping.dashboard_parts),
        create=create,
        update=update,
        found=place.items.get(("dashboard", item.name)),
    )


def _clear(place: Place, ledger: Ledger) -> None:
    """Puts into the trash what was applied once and is no longer in the files."""
    for key in sorted(set(place.kept.marks) - ledger.settled):
        kind, _, name = key.partition(":")
        mark = place.kept.marks[key]
        if kind in ("card", "dashboard"):
            path = f"/api/{kind}/{mark.id}"
            parts = _parts(place.metabase, path, keeping.card_parts if kind == "card" else keeping.dashboard_parts)
            changed = changed_parts(mark, parts) if parts else ()
            if changed and not ledger.force:
                ledger.outcomes.append(Outcome(kind, name, KEPT, changed, is_behind=True))
                continue
            if parts:
                place.begin()
                place.metabase.put(path, {"archived": True})
            ledger.outcomes.append(Outcome(kind, name, REMOVED))
        del place.kept.marks[key]


def _parts(metabase: Metabase, path: str, parts: Any) -> Parts | None:
    # without the parameter newer servers answer cards in a form that has new random ids each time
    query = {"legacy-mbql": "true"} if path.startswith("/api/card/") else {}
    answer = metabase.get(path, **query)
    return None if answer is None else parts(answer)
