"""What is sent to Metabase: bodies of its REST API, made from the files.

Pure functions. Ids of filters and template tags are hashes of their names, so that the same files give the same bodies.

Data flow: Dashboard, Card, ids of fields, cards and dashboards -> request bodies
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.dashboards.files import Card, Click, Dashboard, Filter

NAMES = uuid.UUID("5f0f2d3c-0b44-4f4b-8a39-1d1f6f3f7a10")
SECTIONS = {"date": "date", "string": "string", "number": "number"}
Body = dict[str, Any]


@dataclass(frozen=True)
class Ids:
    """Numbers that Metabase gave.

    Attributes:
        database: The warehouse's connection.
        collection: Where all of it is kept.
        fields: By `table.column`.
        dashboards: By key.
        cards: By `dashboard/card`.
    """

    database: int
    collection: int
    fields: Mapping[str, int]
    dashboards: Mapping[str, int]
    cards: Mapping[str, int]


def card_key(dashboard: Dashboard, card: Card) -> str:
    """Names a card among all."""
    return f"{dashboard.key}/{card.name}"


def card_body(dashboard: Dashboard, card: Card, ids: Ids) -> Body:
    """A question, for `POST /api/card` and `PUT /api/card/{id}`."""
    tags = {key: _tag(dashboard, card, key, ids) for key in {**card.fields, **card.variables}}
    native = {"query": card.sql, "template-tags": tags}
    return {
        "name": card.name,
        "description": card.description,
        "display": card.display,
        "type": "question",
        "collection_id": ids.collection,
        "dataset_query": {"type": "native", "database": ids.database, "native": native},
        "parameters": [_card_parameter(dashboard, card, key) for key in tags],
        "visualization_settings": dict(card.settings),
    }


def dashboard_body(dashboard: Dashboard, ids: Ids) -> Body:
    """A dashboard without its cards, for `POST /api/dashboard`."""
    return {
        "name": dashboard.name,
        "description": dashboard.description,
        "collection_id": ids.collection,
        "parameters": [_filter(dashboard, item) for item in dashboard.filters],
    }


def layout_body(dashboard: Dashboard, ids: Ids, placed: Mapping[int, int]) -> Body:
    """A dashboard with its cards, for `PUT /api/dashboard/{id}`.

    Args:
        dashboard: The dashboard.
        ids: Its card's ids; a card without one is left out.
        placed: Id of the place that a card has on the dashboard already, by the card's id.
    """
    cards = [card for card in dashboard.cards if card_key(dashboard, card) in ids.cards]
    places = [_place(dashboard, card, ids, placed, -number) for number, card in enumerate(cards, start=1)]
    return {**dashboard_body(dashboard, ids), "dashcards": places}


def _place(dashboard: Dashboard, card: Card, ids: Ids, placed: Mapping[int, int], new: int) -> Body:
    left, top, width, height = card.at
    card_id = ids.cards[card_key(dashboard, card)]
    return {
        "id": placed.get(card_id, new),
        "card_id": card_id,
        "col": left,
        "row": top,
        "size_x": width,
        "size_y": height,
        "series": [],
        "parameter_mappings": [
            {"parameter_id": _filter_id(dashboard.key, key), "card_id": card_id, "target": _target(card, key)}
            for key in {**card.fields, **card.variables}
        ],
        "visualization_settings": _clicks(dashboard, card, ids),
    }


def _tag(dashboard: Dashboard, card: Card, key: str, ids: Ids) -> Body:
    item = _item(dashboard, key)
    tag = {"id": _tag_id(dashboard, card, key), "name": key, "display-name": item.name}
    if key in card.variables:
        return {**tag, "type": card.variables[key]}
    dimension = ["field", ids.fields[card.fields[key]], None]
    return {**tag, "type": "dimension", "dimension": dimension, "widget-type": item.type}


def _card_parameter(dashboard: Dashboard, card: Card, key: str) -> Body:
    item = _item(dashboard, key)
    identity = {"id": _tag_id(dashboard, card, key), "name": item.name, "slug": key}
    return {**identity, "type": item.type, "target": _target(card, key)}


def _target(card: Card, key: str) -> list[Any]:
    return ["variable" if key in card.variables else "dimension", ["template-tag", key]]


def _filter(dashboard: Dashboard, item: Filter) -> Body:
    identity = {"id": _filter_id(dashboard.key, item.key), "name": item.name, "slug": item.key}
    return {**identity, "type": item.type, "sectionId": SECTIONS[item.type.partition("/")[0]]}


def _clicks(dashboard: Dashboard, card: Card, ids: Ids) -> Body:
    whole = [click for click in card.clicks if click.column is None]
    if whole:
        return {"click_behavior": _click(dashboard, whole[0], ids)}
    columns = {
        json.dumps(["name", click.column], separators=(",", ":")): {"click_behavior": _click(dashboard, click, ids)}
        for click in card.clicks
    }
    return {"column_settings": columns} if columns else {}


def _click(dashboard: Dashboard, click: Click, ids: Ids) -> Body:
    leads_to = click.dashboard or dashboard.key
    mapping = {
        identity: {
            "id": identity,
            "source": {"type": "column", "id": column, "name": column},
            "target": {"type": "parameter", "id": identity},
        }
        for identity, column in ((_filter_id(leads_to, key), column) for key, column in click.values.items())
    }
    if click.dashboard is None:
        return {"type": "crossfilter", "parameterMapping": mapping}
    target = ids.dashboards[click.dashboard]
    return {"type": "link", "linkType": "dashboard", "targetId": target, "parameterMapping": mapping}


def _item(dashboard: Dashboard, key: str) -> Filter:
    return next(item for item in dashboard.filters if item.key == key)


def _filter_id(dashboard: str, key: str) -> str:
    return uuid.uuid5(NAMES, f"{dashboard}:{key}").hex[:8]


def _tag_id(dashboard: Dashboard, card: Card, key: str) -> str:
    return str(uuid.uuid5(NAMES, f"{card_key(dashboard, card)}:{key}"))
