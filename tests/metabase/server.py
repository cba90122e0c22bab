"""A stand-in for Metabase that keeps state and refuses what Metabase's document refuses.

It stands for the REST API alone: it draws nothing. Like Metabase it rewrites what it is sent, answers queries in a new
form with random ids unless asked for the old one, never answers a password, and sees the tables of the warehouse through
the connection that it is given.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2

from tests.metabase.facts import faults

COLUMNS = """
select c.relname, a.attname, obj_description(c.oid, 'pg_class'), col_description(c.oid, a.attnum)
from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %s and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped order by 1, a.attnum
"""
API_KEY = "mb_key"
Body = dict[str, Any]


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(said)
        self.status, self.said = status, said


@dataclass
class State:
    """What Metabase keeps.

    Attributes:
        log: Every writing request: method, path with `{id}`, body.
        stops_after: Writes that still succeed; None for ever.
        takes_comments: Whether a sync copies the comments of the warehouse.
    """

    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    users: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    databases: dict[int, Body] = field(default_factory=dict)
    tables: dict[int, Body] = field(default_factory=dict)
    fields: dict[int, Body] = field(default_factory=dict)
    collections: dict[int, Body] = field(default_factory=dict)
    cards: dict[int, Body] = field(default_factory=dict)
    dashboards: dict[int, Body] = field(default_factory=dict)
    log: list[tuple[str, str, Any]] = field(default_factory=list)
    stops_after: int | None = None
    takes_comments: bool = False
    starting: int = 0
    number: int = 0

    def next(self) -> int:
        self.number += 1
        return self.number

    @property
    def changes(self) -> list[tuple[str, str, Any]]:
        """Writing requests but signing in."""
        return [entry for entry in self.log if entry[1] not in ("/api/session", "/api/setup")]

    def named(self, kind: str, name: str) -> Body:
        """The card or dashboard of a name."""
        return next(item for item in getattr(self, kind).values() if item["name"] == name)

    def column(self, number: int) -> str:
        """Quoted name of a field."""
        item = self.fields[number]
        table = self.tables[item["table_id"]]
        return f'"{table["schema"]}"."{table["name"]}"."{item["name"]}"'


@dataclass(frozen=True)
class Server:
    """The running stand-in."""

    url: str
    state: State


@contextmanager
def serve() -> Iterator[Server]:
    state = State()
    handler = type("Bound", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", state)
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    state: State
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else each answer waits for an acknowledgement

    def do_GET(self) -> None:
        self._answer("get")

    def do_POST(self) -> None:
        self._answer("post")

    def do_PUT(self) -> None:
        self._answer("put")

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, method: str) -> None:
        at = urlsplit(self.path)
        numbers = [int(part) for part in at.path.split("/") if part.isdecimal()]
        path = re.sub(r"/\d+", "/{id}", at.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}") if length else {}
        try:
            self._sign(path)
            if method != "get":
                self._check(method, path, body)
            action = ACTIONS.get((method, path))
            if action is None:
                raise Refused(404, "API endpoint does not exist.")
            status, said = 200, action(self.state, numbers, body, parse_qs(at.query))
        except Refused as refused:
            status, said = refused.status, refused.said
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _sign(self, path: str) -> None:
        if self.state.starting:
            self.state.starting -= 1
            raise Refused(503, "Metabase is still initializing")
        if path in ("/api/session/properties", "/api/session", "/api/setup"):
            return
        is_known = self.headers.get("X-Metabase-Session") in self.state.sessions
        if not is_known and self.headers.get("x-api-key") != API_KEY:
            raise Refused(401, "Unauthenticated")

    def _check(self, method: str, path: str, body: Any) -> None:
        if self.state.stops_after is not None:
            if self.state.stops_after == 0:
                raise Refused(500, "stopped")
            self.state.stops_after -= 1
        self.state.log.append((method, path, deepcopy(body)))
        found = faults(method, path, body)
        if found:
            raise Refused(400, {"errors": found})


def properties(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    return {"has-user-setup": bool(state.users), "setup-token": None if state.users else state.token}


def setup(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    if body["token"] != state.token or state.users:
        raise Refused(403, {"errors": {"token": "Token does not match the setup token."}})
    user = body["user"]
    if len(user["password"]) < 6 or user["password"] in ("password", "123456"):
        raise Refused(400, {"errors": {"password": "password is too common."}})
    state.users[user["email"]] = user["password"]
    return session(state, numbers, {"username": user["email"], "password": user["password"]}, query)


def session(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    if state.users.get(body["username"]) != body["password"]:
        raise Refused(401, {"errors": {"password": "did not match stored password"}})
    made = str(uuid.uuid4())
    state.sessions.add(made)
    return {"id": made}


def databases(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    return {"data": [_without_password(item) for item in state.databases.values()], "total": len(state.databases)}


def database(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    return _without_password(_find(state.databases, numbers[0]))


def new_database(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    _columns(body["details"])
    return _without_password(_add(state, state.databases, {**body, "features": ["native-parameters"]}))


def put_database(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.databases, numbers[0])
    _columns(body.get("details") or item["details"])
    item.update(body)
    return _without_password(item)


def sync(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.databases, numbers[0])
    schema = item["details"]["schema-filters-patterns"]
    for table, column, about, about_column in _columns(item["details"]):
        known = next((t for t in state.tables.values() if t["name"] == table), None)
        comment = about if state.takes_comments else None
        known = known or _add(
            state, state.tables, {"name": table, "schema": schema, "db_id": item["id"], "description": comment}
        )
        if not any(f["table_id"] == known["id"] and f["name"] == column for f in state.fields.values()):
            comment = about_column if state.takes_comments else None
            _add(state, state.fields, {"name": column, "table_id": known["id"], "description": comment})
    item["looks"] = 1  # the first look after a sync does not see it yet: a sync works in the background
    return {"status": "ok"}


def metadata(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.databases, numbers[0])
    if item.pop("looks", 0):
        return {"tables": []}
    fields = list(state.fields.values())
    return {
        "tables": [
            {**table, "fields": [column for column in fields if column["table_id"] == table["id"]]}
            for table in state.tables.values()
        ]
    }


def collections(state: State, numbers: list[int], body: Body, query: Body) -> list[Body]:
    return [{"id": "root", "name": "Our analytics"}, *state.collections.values()]


def new_collection(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    return _add(state, state.collections, {**body, "archived": False, "slug": body["name"].lower()})


def items(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    kinds = (("card", state.cards), ("dashboard", state.dashboards))
    found = [
        {"id": item["id"], "name": item["name"], "model": kind}
        for kind, known in kinds
        for item in known.values()
        if item["collection_id"] == numbers[0] and not item["archived"]
    ]
    return {"data": found, "total": len(found)}


def card(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = deepcopy(_find(state.cards, numbers[0]))
    if query.get("legacy-mbql") != ["true"]:
        native = item["dataset_query"]["native"]
        stage = {"lib/type": "mbql.stage/native", "native": native["query"], "lib/uuid": str(uuid.uuid4())}
        item["dataset_query"] = {
            "lib/type": "mbql/query",
            "stages": [stage | {"template-tags": native["template-tags"]}],
        }
    return item


def new_card(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    _check_query(state, body["dataset_query"])
    made = {"description": None, "parameters": [], "archived": False, "result_metadata": None, "cache_ttl": None}
    return _add(state, state.cards, made | {"entity_id": uuid.uuid4().hex[:21]} | _rewritten(body))


def put_card(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.cards, numbers[0])
    if "dataset_query" in body:
        _check_query(state, body["dataset_query"])
    item.update(_rewritten(body))
    return item


def dashboard(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = deepcopy(_find(state.dashboards, numbers[0]))
    for place in item["dashcards"]:
        place["card"] = deepcopy(state.cards[place["card_id"]])
    return item


def new_dashboard(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    made = {"description": None, "parameters": [], "archived": False, "width": "fixed", "dashcards": [], "tabs": []}
    return _add(state, state.dashboards, made | _rewritten(body))


def put_dashboard(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.dashboards, numbers[0])
    parameters = {parameter["id"] for parameter in body.get("parameters", item["parameters"])}
    known, places = {place["id"] for place in item["dashcards"]}, []
    for place in deepcopy(body.get("dashcards", item["dashcards"])):
        _check_place(state, place, parameters)
        if place["id"] < 0:
            place["id"] = state.next()
        elif place["id"] not in known:
            raise Refused(400, f"dashcard {place['id']} is not on dashboard {item['id']}")
        places.append(place)
    item.update(_rewritten(body) | {"dashcards": places})
    return dashboard(state, numbers, body, query)


def put_table(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.tables, numbers[0])
    item.update(body)
    return item


def put_field(state: State, numbers: list[int], body: Body, query: Body) -> Body:
    item = _find(state.fields, numbers[0])
    item.update(body)
    return item


def _check_query(state: State, query: Body) -> None:
    if query.get("type") != "native" or query.get("database") not in state.databases:
        raise Refused(400, "no native query on a known database")
    native = query["native"]
    tags = native["template-tags"]
    used = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", native["query"]))
    if used != set(tags):
        raise Refused(400, f"tags {sorted(used)} in the query, {sorted(tags)} declared")
    for name, tag in tags.items():
        if tag["name"] != name or not tag.get("id") or not tag.get("display-name"):
            raise Refused(400, f"tag {name} is incomplete")
        if tag["type"] == "dimension":
            kind, number, options = tag["dimension"]
            if kind != "field" or number not in state.fields or options is not None or "widget-type" not in tag:
                raise Refused(400, f"tag {name} names no field")
        elif tag["type"] not in ("text", "number", "date"):
            raise Refused(400, f"tag {name} is of no known type")


def _check_place(state: State, place: Body, parameters: set[str]) -> None:
    held = state.cards.get(place["card_id"])
    if held is None:
        raise Refused(400, f"there is no card {place['card_id']}")
    for mapping in place.get("parameter_mappings") or []:
        if mapping["parameter_id"] not in parameters:
            raise Refused(400, f"card {held['name']} is mapped to an unknown filter")
        if mapping["target"][1][1] not in held["dataset_query"]["native"]["template-tags"]:
            raise Refused(400, f"card {held['name']} has no tag {mapping['target'][1][1]}")


def _rewritten(body: Body) -> Body:
    """What Metabase keeps of a body: parameters get what nobody sent, empty texts become null."""
    kept = deepcopy(body)
    for parameter in kept.get("parameters") or []:
        parameter.setdefault("values_query_type", "list")
    if not kept.get("description", "x"):
        kept["description"] = None
    return kept


def _columns(details: Body) -> list[tuple[Any, ...]]:
    names = {name: details[name] for name in ("host", "port", "dbname", "user", "password")}
    try:
        with closing(psycopg2.connect(**names)) as connection, connection.cursor() as cursor:
            cursor.execute(COLUMNS, (details["schema-filters-patterns"],))
            return cursor.fetchall()
    except psycopg2.Error as error:
        raise Refused(400, {"errors": {"password": "Looks like the username or password is incorrect."}}) from error


def _find(known: dict[int, Body], number: int) -> Body:
    if number not in known:
        raise Refused(404, "Not found.")
    return known[number]


def _add(state: State, known: dict[int, Body], item: Body) -> Body:
    made = {**item, "id": state.next()}
    known[made["id"]] = made
    return made


def _without_password(item: Body) -> Body:
    answer = deepcopy(item)
    answer["details"]["password"] = "**MetabasePass**"
    return answer


Action = Callable[[State, list[int], Body, Body], Any]
ACTIONS: dict[tuple[str, str], Action] = {
    ("get", "/api/session/properties"): properties,
    ("post", "/api/setup"): setup,
    ("post", "/api/session"): session,
    ("get", "/api/database"): databases,
    ("post", "/api/database"): new_database,
    ("get", "/api/database/{id}"): database,
    ("put", "/api/database/{id}"): put_database,
    ("post", "/api/database/{id}/sync_schema"): sync,
    ("get", "/api/database/{id}/metadata"): metadata,
    ("get", "/api/collection"): collections,
    ("post", "/api/collection"): new_collection,
    ("get", "/api/collection/{id}/items"): items,
    ("get", "/api/card/{id}"): card,
    ("post", "/api/card"): new_card,
    ("put", "/api/card/{id}"): put_card,
    ("get", "/api/dashboard/{id}"): dashboard,
    ("post", "/api/dashboard"): new_dashboard,
    ("put", "/api/dashboard/{id}"): put_dashboard,
    ("put", "/api/table/{id}"): put_table,
    ("put", "/api/field/{id}"): put_field,
}
