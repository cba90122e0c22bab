"""The whole flow on MariaDB, S3 and Postgres, with the least rights, and through bad days."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import make_url

from sandbox.servers.mariadb import MariaDB
from sandbox.servers.postgres import Postgres, serve
from sandbox.servers.seaweedfs import S3
from tests.environment import ROOT, Environment
from tests.pipelines.production import PREFIX, Production, as_role, prepare, production
from tests.pipelines.warehouse.crash import crash, wait_for
from tests.proxy import CUT, REFUSE, SILENT, STRUCK, UNAVAILABLE, Fault

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("production")]
MARTS = 35
ALBUMS = b" /{bucket}/listening/catalog/spotify_albums/"
RULE = b'kind,id,name,new_name\r\nartist,nobody,,"a, b"\r\n'
CHANGE = "update spotify_tracks set popularity = coalesce(popularity, 0) + 1 limit 3"
CATALOG, LAKE, WAREHOUSE = (
    "SOURCES__CATALOG__CREDENTIALS",
    "DESTINATION__LAKE__BUCKET_URL",
    "DESTINATION__WAREHOUSE__CREDENTIALS",
)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong where, and what the run says of it; the same names are in docs/operations.md.

    Attributes:
        step: During what.
        what: What goes wrong.
        server: Which proxy breaks: `mysql`, `s3` or `postgres`.
        fault: How; `{bucket}` in its pattern is the bucket's name.
        says: What stderr has to name; empty where the run copes.
    """

    step: str
    what: str
    server: str
    fault: Fault
    says: str

    @property
    def exit_code(self) -> int:
        return 1 if self.says else 0


TROUBLES = (
    Trouble("catalog", "MySQL is not there", "mysql", Fault(REFUSE), CATALOG),
    Trouble("catalog", "MySQL drops the connection while rows are read", "mysql", Fault(CUT, b"as track_id"), CATALOG),
    Trouble("catalog", "MySQL accepts and says nothing", "mysql", Fault(SILENT), CATALOG),
    Trouble("catalog", "MySQL falls silent while rows are read", "mysql", Fault(SILENT, b"as track_id"), CATALOG),
    Trouble("start", "S3 is not there", "s3", Fault(REFUSE), LAKE),
    Trouble("start", "S3 answers 503", "s3", Fault(UNAVAILABLE), LAKE),
    Trouble("start", "S3 accepts and says nothing", "s3", Fault(SILENT), LAKE),
    Trouble("any", "S3 answers 503 once", "s3", Fault(UNAVAILABLE, b"PUT /{bucket}/listening/catalog", 1), ""),
    Trouble("load", "S3 answers 503", "s3", Fault(UNAVAILABLE, b"PUT /{bucket}/listening/catalog"), LAKE),
    Trouble("load", "S3 drops connections", "s3", Fault(CUT, b"PUT /{bucket}/listening/catalog"), LAKE),
    Trouble("load", "S3 accepts and says nothing", "s3", Fault(SILENT, b"PUT /{bucket}/listening/catalog"), LAKE),
    Trouble("build", "S3 answers 503", "s3", Fault(UNAVAILABLE, ALBUMS), LAKE),
    Trouble("build", "S3 accepts and says nothing", "s3", Fault(SILENT, ALBUMS), LAKE),
    Trouble("build", "S3 falls silent while models are made", "s3", Fault(SILENT, ALBUMS, spared=4), LAKE),
    Trouble("snapshot", "Postgres is not there", "postgres", Fault(REFUSE), WAREHOUSE),
    Trouble("snapshot", "Postgres accepts and says nothing", "postgres", Fault(SILENT), WAREHOUSE),
    Trouble("publish: landing", "Postgres restarts", "postgres", Fault(STRUCK, b"COPY", 1), WAREHOUSE),
    Trouble("publish: landing", "Postgres falls silent", "postgres", Fault(SILENT, b"COPY"), WAREHOUSE),
    Trouble("publish: candidate", "Postgres falls silent", "postgres", Fault(SILENT, b'"candidate"."'), WAREHOUSE),
    Trouble("publish: candidate", "Postgres restarts", "postgres", Fault(STRUCK, b'"candidate"."', 1), WAREHOUSE),
    Trouble("publish: views", "Postgres restarts", "postgres", Fault(STRUCK, b"create or replace view gold", 1), WAREHOUSE),
    Trouble("publish: pointer", "Postgres restarts", "postgres", Fault(STRUCK, b"access exclusive mode", 1), WAREHOUSE),
    Trouble("publish: pointer", "the connection is cut", "postgres", Fault(CUT, b"access exclusive mode"), WAREHOUSE),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(mariadb: MariaDB, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Production after its first run; Postgres is its own, since roles belong to a whole server and it crashes here."""
    with serve() as postgres, production(mariadb, postgres, s3, tmp_path_factory.mktemp("production")) as place:
        place.environment.make_world()
        answer = place.environment.run()
        assert answer.returncode == 0, answer.stderr
        place.said.append(answer.stdout)
        yield place


@contextmanager
def broken(place: Production, trouble: Trouble) -> Iterator[Fault]:
    """Let the trouble happen."""
    pattern = trouble.fault.pattern.replace(b"{bucket}", place.bucket.encode())
    fault = replace(trouble.fault, pattern=pattern)
    if fault.kind == STRUCK:
        fault.strike = lambda: crash(place.warehouse)
    proxy = getattr(place, trouble.server)
    proxy.break_with(fault)
    try:
        yield fault
    finally:
        proxy.heal()


def paragraphs(told: str) -> list[str]:
    """What a person is told, without the log's lines."""
    return [line for line in told.splitlines() if not line.startswith("{")]


def run_into(place: Production, *troubles: Trouble) -> None:
    """Run while things are wrong, and judge what the run says."""
    with ExitStack() as stack:
        faults = [stack.enter_context(broken(place, trouble)) for trouble in troubles]
        answer = place.environment.run()
    wait_for(place.warehouse)
    assert all(fault.hits for fault in faults), "nothing went wrong"
    told = paragraphs(answer.stderr)
    assert answer.returncode == max(trouble.exit_code for trouble in troubles), told
    named = [trouble.says for trouble in troubles if trouble.says]
    assert all(any(says in paragraph for paragraph in told) for says in named), told
    assert named or not told, told
    assert not any("Traceback" in paragraph or paragraph.startswith(" ") for paragraph in told)
    assert not re.search(r"it's % reader|lakehouse_publisher:|lakehouse-secret", answer.stderr + answer.stdout)


def stations(place: Production) -> dict[str, tuple[int, bool]]:
    """How many different counts the stations of each table hold in the last run, and whether all is explained."""
    rows = place.in_warehouse(
        "select table_name, count(distinct rows), bool_and(explained) from ops.reconciliation"
        " where run_id = (select max(run_id) from ops.reconciliation) group by table_name",
        role="lakehouse_publisher",
    )
    return {table: (counts, fine) for table, counts, fine in rows}


def agree(place: Production) -> None:
    """Every station holds the same, by the run's own count and by each server's."""
    assert len(stations(place)) == 6
    assert set(stations(place).values()) == {(1, True)}
    for table, counts in place.counts().items():
        assert len(set(counts)) == 1, (table, counts)
        assert counts[0] > 10


def settle(place: Production) -> None:
    """Publish what another test left to be published."""
    answer = place.environment.run()
    assert answer.returncode == 0, answer.stderr


def test_every_station_agrees_on_three_servers_and_a_second_run_finds_nothing_new(place: Production) -> None:
    assert "agree" in place.said[0]
    settle(place)
    agree(place)
    before = place.gold()
    assert len(before) == MARTS
    again = place.environment.run()
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("nothing new")
    assert place.gold() == before


def test_the_rights_are_no_wider_than_documented(place: Production) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        place.store.client().put_object(Bucket=place.bucket, Key="elsewhere/a", Body=b"1")
    reader = place.environment.settings["SOURCES__CATALOG__CREDENTIALS"]
    refused = Environment(place.environment.data_dir.parent / "other", {"SOURCES__CATALOG__CREDENTIALS": reader}).run(
        "import-catalog", str(ROOT / "tests")
    )
    assert refused.returncode != 0
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        place.in_warehouse("select * from ops.pipeline_runs", role="metabase")


class Watcher(threading.Thread):
    """A dashboard that looks all the time; a server that is down shows it nothing at all."""

    def __init__(self, place: Production) -> None:
        super().__init__(daemon=True)
        self.place, self.seen, self.done = place, [], threading.Event()  # type: ignore[var-annotated]

    def run(self) -> None:
        while not self.done.wait(1):
            try:
                self.seen.append(self.place.gold())
            except psycopg2.Error:
                continue


@pytest.mark.long
def test_a_bad_day_loses_nothing_and_dashboards_see_one_whole_gold(place: Production) -> None:
    settle(place)
    bad = {(trouble.step, trouble.what): trouble for trouble in TROUBLES}
    before = place.gold()
    watcher = Watcher(place)
    watcher.start()
    place.in_catalog(CHANGE)
    run_into(place, bad["catalog", "MySQL falls silent while rows are read"])
    run_into(place, bad["start", "S3 answers 503"])
    run_into(place, bad["any", "S3 answers 503 once"], bad["publish: pointer", "Postgres restarts"])
    assert place.gold() == before
    settle(place)
    watcher.done.set()
    watcher.join()
    after = place.gold()
    assert after != before
    assert len(watcher.seen) > 10
    assert all(seen in (before, after) for seen in watcher.seen)
    agree(place)
    for command, gold in (("rollback", before), ("publish", after)):
        answer = place.environment.run(command)
        assert answer.returncode == 0, answer.stderr
        assert place.gold() == gold


def test_two_machines_that_load_at_once_give_the_lake_of_one(place: Production, tmp_path: Path) -> None:
    other = Environment(tmp_path / "data", place.environment.settings)
    shutil.copytree(place.environment.data_dir, other.data_dir)
    place.in_catalog(CHANGE)
    before = loads(place)
    running = [machine.start("ingest", "catalog") for machine in (place.environment, other)]
    said = sorted(process.communicate(timeout=300)[0] for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert said[0] == "catalog: 0 new rows\n"
    assert said[1] != said[0]
    assert loads(place) == before + 1


def loads(place: Production) -> int:
    """How many packages of the catalog the lake holds."""
    found = place.store.client().list_objects_v2(Bucket=place.bucket, Prefix=f"{PREFIX}/catalog/_dlt_loads/catalog")
    return int(found["KeyCount"])


@pytest.mark.torture
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: f"{trouble.step}, {trouble.what}")
def test_whatever_fails_at_any_step_is_told_and_mended_by_the_next_run(place: Production, trouble: Trouble) -> None:
    settle(place)
    place.in_catalog(CHANGE)
    before = place.gold()
    run_into(place, trouble)
    after = place.gold()
    assert after == before or not trouble.says
    answer = place.environment.run()
    assert answer.returncode == 0, answer.stderr
    assert place.gold() != before
    agree(place)


@pytest.mark.torture
@pytest.mark.parametrize("step", ["build", "publish"])
def test_a_bucket_that_goes_after_a_step_is_named(place: Production, step: str) -> None:
    settle(place)
    place.in_catalog(CHANGE)
    process = place.environment.start()
    assert process.stderr is not None
    assert any(f'"step": "{step}"' in line for line in process.stderr)
    place.s3.break_with(Fault(UNAVAILABLE))
    _, told = process.communicate(timeout=600)
    place.s3.heal()
    assert process.returncode == 1
    assert [LAKE in paragraph for paragraph in paragraphs(told)] == [True], told
    settle(place)
    agree(place)


@pytest.mark.torture
def test_an_empty_machine_and_an_empty_warehouse_get_the_same_gold_from_the_bucket(
    place: Production, tmp_path: Path
) -> None:
    rules = place.environment.data_dir / "curation"
    rules.mkdir(exist_ok=True)
    (rules / "rename.csv").write_bytes(RULE)
    place.in_catalog(CHANGE)
    settle(place)
    server = Postgres(make_url(place.warehouse).set(database="postgres").render_as_string(hide_password=False))
    warehouse = server.fresh()
    settings = {**place.environment.settings, WAREHOUSE: as_role(warehouse, "lakehouse_publisher")}
    other = replace(place, environment=Environment(tmp_path / "data", settings), warehouse=warehouse)
    prepare(other)
    answer = other.environment.run("rebuild")
    assert answer.returncode == 0, answer.stderr
    assert other.gold() == place.gold()
    assert (other.environment.data_dir / "curation" / "rename.csv").read_bytes() == RULE
    again = other.environment.run("ingest", "catalog")
    assert (again.returncode, again.stdout) == (0, "catalog: 0 new rows\n")
    server.clean()


def test_every_trouble_is_in_the_operations_manual_with_its_exit_code() -> None:
    manual = (ROOT / "docs/operations.md").read_text()
    for trouble in TROUBLES:
        row = rf"^\| {re.escape(trouble.step)} \| {re.escape(trouble.what)} \| .* \| {trouble.exit_code} \|"
        assert re.search(row, manual, re.MULTILINE), row
