"""The files in `metabase/` become Metabase's, once; what people change there by hand is told and stays."""

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.dashboards import dashboards, report
from pipelines.dashboards.apply import apply
from pipelines.dashboards.client import sign_in
from pipelines.dashboards.files import Source, read
from pipelines.dashboards.settle import Outcome
from pipelines.settings import Settings
from pipelines.warehouse.gold import GoldTable
from sources.problem import Problem, UsageProblem
from tests.environment import ROOT
from tests.metabase.server import API_KEY, Server, State

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("metabase")]  # one worker publishes once for all
SOURCE = read(ROOT / "metabase")
CARDS = sum(len(dashboard.cards) for dashboard in SOURCE.dashboards)


@pytest.fixture
def once(settings: Settings, tables: list[GoldTable]) -> Callable[..., list[Outcome]]:
    def run(source: Source = SOURCE, force: bool = False, dry_run: bool = False) -> list[Outcome]:
        return apply(sign_in(settings.metabase, dry_run), settings, source, tables, force)

    return run


def kept(outcomes: list[Outcome]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(item.kind, item.name, item.changed) for item in outcomes if item.state == "kept"]


def test_a_first_apply_makes_everything_and_a_second_sends_nothing(
    metabase: Server, settings: Settings, tables: list[GoldTable], capsys: pytest.CaptureFixture[str]
) -> None:
    metabase.state.starting = 2
    options = argparse.Namespace(force=False, dry_run=False)
    assert dashboards(settings, options) == 0
    state = metabase.state
    assert len(state.cards) == CARDS + 1
    assert {item["name"] for item in state.dashboards.values()} == {item.name for item in SOURCE.dashboards}
    assert all(len(state.named("dashboards", item.name)["dashcards"]) == len(item.cards) for item in SOURCE.dashboards)
    described = {item["name"]: item["description"] for item in state.tables.values()}
    assert {table.name: table.description for table in tables}.items() <= described.items()
    assert all(state.fields.values())
    written = len(state.changes)
    assert dashboards(settings, options) == 0
    assert len(state.changes) == written
    told = capsys.readouterr().out
    assert f"cards: {CARDS} created" in told
    assert f"cards: {CARDS} unchanged" in told
    assert "by hand" not in told


def test_every_click_leads_to_a_filter_that_is_there(ready: State, once: Callable[..., list[Outcome]]) -> None:
    state, clicks = ready, 0
    for dashboard in state.dashboards.values():
        for place in dashboard["dashcards"]:
            settings = place["visualization_settings"]
            columns = settings.get("column_settings", {}).values()
            for click in [item["click_behavior"] for item in (settings, *columns) if "click_behavior" in item]:
                there = state.dashboards[click["targetId"]] if click["type"] == "link" else dashboard
                assert set(click["parameterMapping"]) <= {item["id"] for item in there["parameters"]}
                clicks += 1
    assert clicks == sum(len(card.clicks) for dashboard in SOURCE.dashboards for card in dashboard.cards) > 10


def test_places_on_a_dashboard_do_not_overlap() -> None:
    for dashboard in SOURCE.dashboards:
        cells = Counter(
            (column, row)
            for card in dashboard.cards
            for column in range(card.at[0], card.at[0] + card.at[2])
            for row in range(card.at[1], card.at[1] + card.at[3])
        )
        assert set(cells.values()) == {1}, dashboard.key


def _sql(state: State) -> None:
    state.named("cards", "Top artists")["dataset_query"]["native"]["query"] += " -- mine"


def _chart(state: State) -> None:
    state.named("cards", "Top artists")["display"] = "pie"


def _trash(state: State) -> None:
    state.named("cards", "Top artists")["archived"] = True


def _moved(state: State) -> None:
    state.named("dashboards", "Rankings")["dashcards"][0]["row"] = 40


def _described(state: State) -> None:
    next(item for item in state.tables.values() if item["name"] == "streaks")["description"] = "My own words."


def _emptied(state: State) -> None:
    next(item for item in state.tables.values() if item["name"] == "streaks")["description"] = None


def _elsewhere(state: State) -> None:
    next(iter(state.databases.values()))["details"]["schema-filters-type"] = "all"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_sql, ("card", "Rankings / Top artists", ("SQL",))),
        (_chart, ("card", "Rankings / Top artists", ("chart",))),
        (_trash, ("card", "Rankings / Top artists", ("place",))),
        (_moved, ("dashboard", "Rankings", ("cards",))),
        (_described, ("table", "streaks", ("table",))),
        (_emptied, ("table", "streaks", ("table",))),
        (_elsewhere, ("connection", "Listening Lakehouse", ("connection",))),
    ],
)
def test_a_change_by_hand_is_told_and_kept_until_it_is_to_be_overwritten(
    ready: State, once: Callable[..., list[Outcome]], change: Callable[[State], None], told: Any
) -> None:
    change(ready)
    written = len(ready.changes)
    outcomes = once()
    assert kept(outcomes) == [told]
    assert not any(item.is_behind for item in outcomes)
    assert len(ready.changes) == written
    assert any("kept; --force overwrites it" in line for line in report(outcomes))
    forced = once(force=True)
    assert [(item.kind, item.name, item.changed) for item in forced if item.state == "updated"] == [told]
    written = len(ready.changes)
    assert kept(once()) == []
    assert len(ready.changes) == written


def changed(source: Source, key: str, card: str, **values: Any) -> Source:
    return replace(
        source,
        dashboards=tuple(
            replace(item, cards=tuple(replace(own, **values) if own.name == card else own for own in item.cards))
            if item.key == key
            else item
            for item in source.dashboards
        ),
    )


def test_a_changed_file_changes_just_its_card(ready: State, once: Callable[..., list[Outcome]]) -> None:
    written = len(ready.changes)
    outcomes = once(changed(SOURCE, "rankings", "Top songs", description="Of all time."))
    assert [item.name for item in outcomes if item.state != "unchanged"] == ["Rankings / Top songs"]
    sent = {(method, path) for method, path, _ in ready.changes[written:]}
    assert sent == {("put", "/api/card/{id}")}  # the card, and the marks before and after
    assert len(ready.changes) == written + 3
    assert ready.named("cards", "Top songs")["description"] == "Of all time."


def test_a_change_by_hand_that_holds_a_newer_file_back_ends_with_1(
    metabase: Server, settings: Settings, once: Callable[..., list[Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    once(changed(SOURCE, "rankings", "Top artists", description="As it was before."))
    _chart(metabase.state)
    assert dashboards(settings, argparse.Namespace(force=False, dry_run=False)) == 1
    assert "the file is newer and was not applied" in capsys.readouterr().out
    assert metabase.state.named("cards", "Top artists")["display"] == "pie"
    assert dashboards(settings, argparse.Namespace(force=True, dry_run=False)) == 0
    assert metabase.state.named("cards", "Top artists")["display"] == "row"


def test_a_card_deleted_by_hand_stays_away_until_it_is_forced_back(
    ready: State, once: Callable[..., list[Outcome]]
) -> None:
    state = ready
    gone = state.named("cards", "On repeat")["id"]
    del state.cards[gone]
    now = state.named("dashboards", "Listening now")
    now["dashcards"] = [place for place in now["dashcards"] if place["card_id"] != gone]
    assert ("card", "Listening now / On repeat", ("removed",)) in kept(once())
    assert "On repeat" not in {card["name"] for card in state.cards.values()}
    once(force=True)
    made = state.named("cards", "On repeat")["id"]
    assert made in {place["card_id"] for place in state.named("dashboards", "Listening now")["dashcards"]}


def test_what_the_files_no_longer_hold_goes_to_the_trash(ready: State, once: Callable[..., list[Outcome]]) -> None:
    fewer = replace(SOURCE, dashboards=tuple(item for item in SOURCE.dashboards if item.key != "wrapped"))
    removed = {item.name for item in once(fewer) if item.state == "removed"}
    wrapped = next(item for item in SOURCE.dashboards if item.key == "wrapped")
    assert removed == {"wrapped", *(f"wrapped/{card.name}" for card in wrapped.cards)}
    assert ready.named("dashboards", "Wrapped")["archived"]
    assert {item.state for item in once(fewer)} == {"unchanged"}


def test_something_of_the_same_name_that_somebody_made_is_left_alone(
    metabase: Server, once: Callable[..., list[Outcome]]
) -> None:
    once(replace(SOURCE, dashboards=SOURCE.dashboards[:1]))
    state = metabase.state
    collection = next(iter(state.collections))
    number = state.next()
    state.dashboards[number] = {
        **{"id": number, "name": "Rankings", "collection_id": collection, "archived": False},
        **{"description": None, "parameters": [], "dashcards": []},
    }
    assert ("dashboard", "Rankings", ("not made by this",)) in kept(once())
    assert state.dashboards[number]["dashcards"] == []


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 9, 20, 30])
def test_an_apply_that_was_stopped_anywhere_is_finished_by_the_next(
    metabase: Server, settings: Settings, tables: list[GoldTable], writes: int
) -> None:
    """Some thirty writes: the connection, one table, two dashboards and their cards."""
    source = replace(SOURCE, dashboards=tuple(item for item in SOURCE.dashboards if item.key in ("artist", "rankings")))
    few, state = [table for table in tables if table.name == "daily_listening"], metabase.state
    signed_in = sign_in(settings.metabase)
    state.stops_after = writes
    with pytest.raises(Problem, match="500"):
        apply(signed_in, settings, source, few)
    state.stops_after = None
    assert kept(apply(signed_in, settings, source, few)) == []
    assert (len(state.databases), len(state.collections), len(state.dashboards)) == (1, 1, 2)
    assert len(state.cards) == sum(len(item.cards) for item in source.dashboards) + 1
    assert {item.state for item in apply(signed_in, settings, source, few)} == {"unchanged"}


def test_a_dry_run_sends_nothing_and_says_what_would_be(
    metabase: Server, settings: Settings, once: Callable[..., list[Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Problem, match="no user yet"):
        once(dry_run=True)
    sign_in(settings.metabase)
    assert Counter(item.state for item in once(dry_run=True) if item.kind == "card") == {"created": CARDS}
    assert metabase.state.changes == []
    once()
    written = len(metabase.state.changes)
    _chart(metabase.state)
    edited = changed(SOURCE, "rankings", "Top songs", description="Of all time.")
    told = {item.name: item.state for item in once(edited, dry_run=True) if item.state != "unchanged"}
    assert told == {"Rankings / Top artists": "kept", "Rankings / Top songs": "updated"}
    assert len(metabase.state.changes) == written


def test_the_comments_that_metabase_copied_need_no_writing_and_a_person_s_words_stay(
    metabase: Server, once: Callable[..., list[Outcome]], tables: list[GoldTable]
) -> None:
    state = metabase.state
    once(replace(SOURCE, dashboards=()))
    described = next(item for item in state.tables.values() if item["name"] == "skips")
    described["description"] = "Typed in."
    for card in list(state.cards.values()):
        card["description"] = None  # the marks are lost
    outcomes = {item.name: item for item in once(replace(SOURCE, dashboards=())) if item.kind == "table"}
    assert outcomes["skips"].changed == ("table",)
    assert {item.state for name, item in outcomes.items() if name != "skips"} == {"unchanged"}


def test_a_new_password_of_the_role_is_sent_and_never_kept(
    ready: State, settings: Settings, tables: list[GoldTable], once: Callable[..., list[Outcome]]
) -> None:
    text = str(list(ready.cards.values()))
    assert settings.warehouse.metabase_password is not None
    assert settings.warehouse.metabase_password not in text
    other = replace(settings, warehouse=replace(settings.warehouse, metabase_password="a new one"))
    with pytest.raises(Problem, match="username or password is incorrect"):
        apply(sign_in(settings.metabase), other, SOURCE, tables)


def test_an_api_key_works_as_well_as_a_user(
    ready: State, settings: Settings, tables: list[GoldTable], once: Callable[..., list[Outcome]]
) -> None:
    keyed = replace(settings.metabase, user=None, password=None, api_key=API_KEY)
    outcomes = apply(sign_in(keyed), settings, SOURCE, tables)
    assert {item.state for item in outcomes} == {"unchanged"}


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"url": None}, UsageProblem, "METABASE__URL"),
        ({"user": None}, UsageProblem, "METABASE__USER"),
        ({"url": "http://127.0.0.1:9"}, Problem, "does not answer"),
        ({"password": "123456"}, Problem, "too common"),
        ({"api_key": "wrong"}, Problem, "administrator"),
    ],
)
def test_what_is_wrong_is_said_in_one_paragraph(
    settings: Settings, tables: list[GoldTable], values: dict[str, Any], kind: type[Problem], said: str
) -> None:
    wrong = replace(settings.metabase, **values)
    with pytest.raises(kind, match=said):
        apply(sign_in(wrong), settings, SOURCE, tables)


def test_a_warehouse_that_is_a_file_is_no_place_for_metabase(settings: Settings) -> None:
    embedded = replace(settings, warehouse=replace(settings.warehouse, url="/somewhere/warehouse.duckdb"))
    with pytest.raises(UsageProblem, match="DESTINATION__WAREHOUSE__CREDENTIALS"):
        dashboards(embedded, argparse.Namespace(force=False, dry_run=False))
