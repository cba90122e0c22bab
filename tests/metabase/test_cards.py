"""What was applied is what Metabase and Postgres take: every body, and every card's SQL with filters set and unset."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from pipelines.dashboards.apply import apply
from pipelines.dashboards.client import sign_in
from pipelines.dashboards.files import FUNCTION, TABLE, read
from pipelines.settings import MetabaseSettings, Settings
from pipelines.warehouse import roles
from pipelines.warehouse.gold import GoldTable
from pipelines.warehouse.health import FUNCTIONS
from sandbox.servers.postgres import Postgres
from sources.problem import UsageProblem
from tests.environment import GIVEN, ROOT
from tests.metabase.conftest import PASSWORD, USER, USER_PASSWORD
from tests.metabase.facts import OPERATIONS, faults
from tests.metabase.rendering import OPTIONAL, literal, render
from tests.metabase.server import State

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("metabase")]  # one worker publishes once for all
SOURCE = read(ROOT / "metabase")
DOCUMENT = GIVEN / "metabase_contract.py"
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def cursor(warehouse: Settings) -> Iterator[Any]:
    """Postgres as the role that Metabase is."""
    at = urlsplit(warehouse.warehouse.url)
    names = {"host": at.hostname, "port": at.port, "dbname": at.path[1:], "user": roles.READER, "password": PASSWORD}
    with closing(psycopg2.connect(**names)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        yield cursor


@pytest.fixture(scope="module")
def ask(cursor: Any) -> Ask:
    def answer(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    return answer


def contract() -> ModuleType | None:
    """Metabase's own document, where `TEST_DATA` has it."""
    if not DOCUMENT.exists():
        return None
    spec = importlib.util.spec_from_file_location("metabase_contract", DOCUMENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_request_is_one_that_metabase_s_document_takes(applied: State) -> None:
    document = contract()
    checker = Document(document) if document else None
    for method, path, body in applied.log:
        assert faults(method, path, body) == []
        if checker:
            assert checker.faults(method, path, body) == [], (method, path)
    assert {path for _, path, _ in applied.log} > {"/api/setup", "/api/database", "/api/card", "/api/dashboard/{id}"}
    assert len(applied.log) > 100


class Document:
    """The document's own schemas, each prepared once: there are hundreds of requests."""

    def __init__(self, module: ModuleType) -> None:
        import json

        from jsonschema import Draft202012Validator

        self.spec, self.module, self.known = module.relaxed(json.loads(module.SPEC.read_text())), module, {}
        self.validator = Draft202012Validator

    def faults(self, method: str, path: str, body: Any) -> list[str]:
        operation = self.spec["paths"][path][method]
        if "requestBody" not in operation:
            return [] if body == {} else ["no body is expected"]
        if (method, path) not in self.known:
            schema = dict(operation["requestBody"]["content"]["application/json"]["schema"])
            self.known[method, path] = self.validator({**schema, "components": self.spec["components"]})
        errors = self.known[method, path].iter_errors(body)
        return [leaf.message for error in errors for leaf in self.module.leaves(error)]


@pytest.mark.skipif(not DOCUMENT.exists(), reason="TEST_DATA has no document of Metabase")
def test_our_facts_agree_with_metabase_s_document() -> None:
    document = contract()
    assert document is not None
    spec = Document(document).spec
    for (method, path), fields in OPERATIONS.items():
        body = spec["paths"][path][method].get("requestBody")
        known = body["content"]["application/json"]["schema"] if body else {"properties": {}}
        assert set(fields) <= set(known["properties"]), path
        required = {name for name, kind in fields.items() if kind.endswith("!")}
        assert set(known.get("required", [])) - {"is_full_sync", "is_on_demand", "connection_source"} <= required, path


def _without(*names: str) -> Callable[[Any], None]:
    return lambda body: [body.pop(name) for name in names]


def _with(**values: Any) -> Callable[[Any], None]:
    return lambda body: body.update(values)


def _in_place(**values: Any) -> Callable[[Any], None]:
    return lambda body: body["dashcards"][0].update(values)


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("/api/card", _without("display")),
        ("/api/card", _without("dataset_query")),
        ("/api/card", _with(visualization_settings=None)),
        ("/api/card", _with(collection_id="ours")),
        ("/api/card", _with(displai="table")),
        ("/api/card", _with(parameters=[{"id": "a", "type": "date/everything"}])),
        ("/api/card", _with(type="chart")),
        ("/api/dashboard/{id}", _in_place(size_x=0)),
        ("/api/dashboard/{id}", _in_place(row=-1)),
        ("/api/dashboard/{id}", _in_place(parameter_mappings=[{"parameter_id": "a"}])),
        ("/api/dashboard/{id}", lambda body: body["dashcards"].append(body["dashcards"][0])),
        ("/api/dashboard", _without("name")),
        ("/api/database", _without("engine")),
        ("/api/setup", _without("token")),
    ],
)
def test_a_broken_body_is_refused(applied: State, path: str, broken: Callable[[Any], None]) -> None:
    method, body = next((method, deepcopy(body)) for method, at, body in applied.log if at == path)
    broken(body)
    assert faults(method, path, body) != []


def native(card: Any) -> Any:
    return card["dataset_query"]["native"]


def values_of(card: Any, applied: State, ask: Ask, *, inside: bool) -> dict[str, Any]:
    """A value for each filter: one that its column holds, or one that it does not."""
    return {
        name: _value(tag, applied, ask, inside) if tag["type"] == "dimension" else _variable(name, inside)
        for name, tag in native(card)["template-tags"].items()
    }


def _value(tag: Any, applied: State, ask: Ask, inside: bool) -> Any:
    column = applied.column(tag["dimension"][1])
    table = column.rpartition(".")[0]
    if tag["widget-type"] == "string/=":
        found = ask(f"select {column} from {table} where {column} is not null order by 1 limit 1")
        return found[0][0] if inside and found else "nothing is called so"
    if tag["widget-type"] == "number/between":
        return ask(f"select min({column}), min({column}) from {table}")[0] if inside else (-2, -1)
    low, high = ask(f"select min({column})::date, max({column})::date from {table}")[0]
    return (low, high) if inside and low else tuple(ask("select date '1800-01-01', date '1800-01-02'")[0])


def _variable(name: str, inside: bool) -> Any:
    return {"year": 2025 if inside else 1800, "table": "plays" if inside else "nothing is called so"}[name]


def cards(applied: State) -> list[Any]:
    return [
        card for card in applied.cards.values() if "{{" in native(card)["query"] or "gold." in native(card)["query"]
    ]


def test_every_card_answers_as_metabase_with_no_filter_with_each_and_with_all(applied: State, ask: Ask) -> None:
    runs = 0
    for card in cards(applied):
        some = values_of(card, applied, ask, inside=True)
        for values in ({}, *({name: value} for name, value in some.items()), some):
            sql = render(native(card), values, applied.column)
            assert "{{" not in sql
            assert "[[" not in sql
            ask(sql)
            runs += 1
    assert len(cards(applied)) == sum(len(dashboard.cards) for dashboard in SOURCE.dashboards)
    assert runs > 2 * len(cards(applied))


def test_every_card_shows_something_of_a_listened_history(applied: State, ask: Ask) -> None:
    empty = {card["name"] for card in cards(applied) if not ask(render(native(card), {}, applied.column))}
    assert empty <= {"Completeness"}  # a first run polled once: there is no stretch between two polls yet


def test_every_filter_of_every_card_filters(applied: State, ask: Ask) -> None:
    filters = 0
    for card in cards(applied):
        for name, value in values_of(card, applied, ask, inside=False).items():
            rows = ask(render(native(card), {name: value}, applied.column))
            wanted = {1800} if card["name"] == "Year" else {None, 0}
            assert {part for row in rows for part in row} <= wanted, (card["name"], name, rows[:3])
            filters += 1
    assert filters > len(cards(applied))


def test_the_columns_that_charts_and_clicks_name_are_in_the_answer(applied: State, cursor: Any) -> None:
    for dashboard in SOURCE.dashboards:
        for card in dashboard.cards:
            sql = render(native(applied.named("cards", card.name)), {}, applied.column)
            cursor.execute(f"select * from ({sql}) as answer limit 0")
            given = {column.name for column in cursor.description}
            named = {*card.settings.get("graph.dimensions", []), *card.settings.get("graph.metrics", [])}
            named |= {click.column for click in card.clicks if click.column}
            named |= {column for click in card.clicks for column in click.values.values()}
            assert named <= given, card.name


def answer(applied: State, ask: Ask, name: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a card says with filters set."""
    return ask(render(native(applied.named("cards", name)), values, applied.column))


def test_minutes_by_day_show_every_day_that_was_chosen_and_else_the_last_sixty(applied: State, ask: Ask) -> None:
    days = "select distinct played_on from gold.fct_plays where is_counted and played_on"
    ((year, last),) = ask("select date_trunc('year', max(played_on))::date, max(played_on) from gold.fct_plays")
    chosen = (year - timedelta(days=365), year + timedelta(days=200))
    shown = answer(applied, ask, "Minutes by day", days=chosen)
    heard = ask(f"{days} between '{chosen[0]}' and '{chosen[1]}' order by 1 desc")
    assert [day for day, _ in shown] == [day for (day,) in heard]
    assert len(shown) > 60
    shown = answer(applied, ask, "Minutes by day")
    assert [day for day, _ in shown] == [day for (day,) in ask(f"{days} > date '{last}' - 60 order by 1 desc")]


def test_the_last_seven_days_are_those_of_the_history_whoever_is_chosen(applied: State, ask: Ask) -> None:
    plays = "from gold.fct_plays where is_counted"
    ((artist, *_),) = ask(f"select artist_name, max(played_on) {plays} group by 1 order by 2, 1 limit 1")
    assert answer(applied, ask, "Plays in the last 7 days", artist=artist) == [(0,)]
    assert answer(applied, ask, "Hours in the last 7 days", artist=artist) == [(0,)]
    ((latest,),) = ask(f"select artist_name {plays} order by played_at desc, artist_name limit 1")
    within = f"{plays} and played_on > (select max(played_on) - 7 {plays})"
    assert answer(applied, ask, "Plays in the last 7 days", artist=latest) == ask(
        f"select count(*) {within} and artist_name = {literal(latest)}"
    )


def test_a_gap_counts_with_the_days_on_which_nothing_was_heard(postgres: Postgres) -> None:
    card = next(card for dashboard in SOURCE.dashboards for card in dashboard.cards if "complete" in card.name.split())
    with closing(psycopg2.connect(postgres.fresh())) as connection, connection.cursor() as cursor:
        cursor.execute("""
            set timezone = 'Asia/Tokyo';
            create schema gold;
            create table gold.daily_listening as
                select day::date as played_on, day::date in ('2025-03-11', '2025-03-22') as is_minimum
                from generate_series(timestamp '2025-03-01', '2025-04-29', '1 day') as days (day)
                where day not between '2025-03-12' and '2025-03-21';
            create table gold.completeness (from_at timestamptz, to_at timestamptz, state text);
            insert into gold.completeness values
                ('2025-03-01 08:00Z', '2025-03-11 20:00Z', 'proven'),
                ('2025-03-11 20:00Z', '2025-03-22 08:00Z', 'gap');
        """)
        cursor.execute(OPTIONAL.sub("", card.sql))
        assert cursor.fetchall() == [(12,)]


def test_cards_read_gold_alone(tables: list[GoldTable]) -> None:
    known = {table.name for table in tables}
    for dashboard in SOURCE.dashboards:
        for card in dashboard.cards:
            assert set(TABLE.findall(card.sql)) <= known, card.name
            assert set(FUNCTION.findall(card.sql)) <= set(FUNCTIONS), card.name
            assert {field.partition(".")[0] for field in card.fields.values()} <= known, card.name


FILE = """
name: Broken
description: Of no use.
filters:
  days: {name: Days, type: date/all-options}
cards:
  - name: One
    display: table
    at: [0, 0, 6, 3]
    sql: "select 1 from gold.fct_plays where true [[and {{days}}]]"
    fields: {days: fct_plays.played_on}
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("display: table", "display: tabel", "display 'tabel'"),
        ("{{days}}", "{{day}}", "SQL and declared filters differ"),
        ("[0, 0, 6, 3]", "[20, 0, 6, 3]", "outside the grid"),
        ("[[and {{days}}]]", "and {{days}}", "a filter outside"),
        ("[[and {{days}}]]", "[[and {{days}}", "do not close"),
        ("date/all-options", "date/some", "unknown type of filter"),
        ("fields: {days", "click: {day: {set: {week: day}}}\n    fields: {days", "leads nowhere"),
        ("    at: [0, 0, 6, 3]\n", "", "KeyError 'at'"),
        ("name: Broken", "name: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_before_anything_is_sent(tmp_path: Path, before: str, after: str, said: str) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "connection.yaml").write_text((ROOT / "metabase/connection.yaml").read_text())
    place = tmp_path / "dashboards" / "broken.yaml"
    place.write_text(FILE)
    assert len(read(tmp_path).dashboards[0].cards) == 1
    place.write_text(FILE.replace(before, after, 1))
    with pytest.raises(UsageProblem) as problem:
        read(tmp_path)
    assert said in str(problem.value)
    assert "broken.yaml" in str(problem.value)


@pytest.mark.metabase
def test_a_running_metabase_takes_all_of_it_and_answers_every_card(
    warehouse: Settings, tables: list[GoldTable]
) -> None:
    """Needs METABASE_URL and METABASE_WAREHOUSE, the URL at which it reaches a Postgres that holds gold."""
    given = MetabaseSettings(
        os.environ["METABASE_URL"],
        os.environ.get("METABASE_USER", USER),
        os.environ.get("METABASE_PASSWORD", USER_PASSWORD),
        warehouse=os.environ.get("METABASE_WAREHOUSE"),
    )
    settings = replace(warehouse, metabase=given)
    metabase = sign_in(given)
    apply(metabase, settings, SOURCE, tables, force=True)
    again = sign_in(given)
    outcomes = apply(again, settings, SOURCE, tables)
    assert {item.state for item in outcomes} == {"unchanged"}
    assert again.writes == 0
    collection = next(item for item in again.get("/api/collection") if item["name"] == SOURCE.collection)
    for item in again.get(f"/api/collection/{collection['id']}/items", models="card")["data"]:
        answer = again.post(f"/api/card/{item['id']}/query", {"ignore_cache": True})
        assert answer["status"] == "completed", item["name"]
