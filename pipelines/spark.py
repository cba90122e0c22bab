"""Silver and gold on Apache Spark: the same models over the same committed files, where one machine is too small.

What Spark makes stays where Spark keeps its tables, as parquet. Without SPARK_MASTER it starts a cluster of two worker
processes on this machine; docs/spark.md says how it runs on another. Nothing else of the flow needs Spark.

Data flow: Snapshot -> views `bronze.*` of the session -> dbt (target spark) -> tables `silver.*`, `gold.*`

Run it alone: python -m pipelines.spark (after `make .venv/.spark`; needs Java 17 or newer)
"""

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pipelines import bronze
from pipelines.cli import alone
from pipelines.committed import Loss
from pipelines.dbt_run import command, faults_of
from pipelines.integrity import sound_snapshot
from pipelines.lake import Snapshot
from pipelines.settings import Settings
from sources.problem import Problem
from sources.table import LOAD_ID, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MASTER = "local-cluster[2,1,1024]"
WITHOUT = ("--exclude", "tag:duckdb_only", "path:models/serve")
KINDS = {"VARCHAR": "string", "TIMESTAMPTZ": "timestamp", "BLOB": "binary", "INTEGER": "int"}
NEEDED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.globalTempDatabase": "bronze",  # so that views over lists of files are found as bronze.*
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.ansi.enabled": "true",
}
"""What the models count on, wherever Spark runs."""
HERE = {
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.pyspark.python": sys.executable,
}
"""What suits the cluster of one machine."""


def open_session(settings: Settings, master: str | None = None) -> "SparkSession":
    """Start or join Spark, in UTC, with the function that the models call.

    Args:
        settings: The environment; its data folder takes the tables of a cluster that is started here.
        master: Where it runs; what begins with `local` is started here, None: as spark-submit or the platform says.

    Raises:
        Problem: Spark is not installed, does not start, or runs with other options than the models count on.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Problem("Spark is not installed: run make .venv/.spark, and install Java 17 or newer.") from error
    builder: Any = SparkSession.builder.appName("listening-lakehouse")
    builder = builder.master(master) if master else builder
    builder = builder.config(map=_here(settings)) if (master or "").startswith("local") else builder
    try:
        session: SparkSession = builder.config(map=NEEDED).getOrCreate()
    except PySparkException as error:
        raise Problem(f"Spark does not start: {error} It needs Java 17 or newer.") from error
    _check(session)
    session.sparkContext.setLogLevel("ERROR")
    session.udf.register("lakehouse_plain_letters", plain_letters(), "string")
    return session


def plain_letters() -> Callable[[str | None], str | None]:
    """A function that takes the accents from Latin and Greek letters, as the macro plain_letters does in DuckDB.

    Made here, not a function of this module: so it travels to executors, which have no checkout.
    """
    marks_go = (
        (0x0, 0x3FF), (0x1D00, 0x2BFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFB00, 0xFB06),
        (0xFF00, 0xFF5E), (0x1D400, 0x1DFFF), (0x1F000, 0x1FAFF),
    )  # fmt: skip
    selectors = dict.fromkeys((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))

    def is_mark(sign: str) -> bool:
        return unicodedata.category(sign).startswith("M")

    def parts(text: str) -> Iterator[tuple[bool, str]]:
        keeps = False
        for sign in text:
            keeps = keeps if is_mark(sign) else not any(first <= ord(sign) <= last for first, last in marks_go)
            yield keeps, sign

    def without_marks(text: str) -> str:
        signs = unicodedata.normalize("NFD", text)
        return unicodedata.normalize("NFC", "".join(sign for sign in signs if not is_mark(sign)))

    def plain(text: str | None) -> str | None:
        if text is None or text.isascii():
            return text
        told = []
        for keeps, group in groupby(parts(unicodedata.normalize("NFC", text)), key=itemgetter(0)):
            part = "".join(sign for _, sign in group)
            told.append(part.translate(selectors) if keeps else without_marks(part))
        return "".join(told)

    return plain


def create_bronze(session: "SparkSession", snapshot: Snapshot) -> None:
    """Make one view per declared table over the snapshot's files, with every declared column."""
    for view, table in bronze.declared_tables().items():
        rows = _losses(session, snapshot.absent) if table is bronze.LOSSES else _rows(session, snapshot, view, table)
        rows.createOrReplaceGlobalTempView(view)


def build(session: "SparkSession", settings: Settings, snapshot: Snapshot) -> None:
    """Make silver and gold on Spark, but for what is DuckDB's alone.

    Raises:
        Problem: A model could not be built.
    """
    create_bronze(session, snapshot)
    result = command(settings, settings.data_dir / "spark" / "dbt", "run", "--target", "spark", *WITHOUT)
    faults = faults_of(result)
    if faults or not result.success:
        texts = [f"{run.node.name} ({' '.join(str(run.message).split())[:300]})" for run in faults]
        raise Problem(f"Spark could not build the models: {'; '.join(texts) or result.exception}.")


def _here(settings: Settings) -> dict[str, str]:
    folder = settings.data_dir / "spark"
    shutil.rmtree(folder, ignore_errors=True)  # tables of a session that ended, which this one does not know
    return {**HERE, "spark.sql.warehouse.dir": (folder / "tables").as_uri()}


def _check(session: "SparkSession") -> None:
    other = [f"{name}={value}" for name, value in NEEDED.items() if session.conf.get(name) != value]
    if other:
        raise Problem(f"Spark was started with other options: start the cluster with {', '.join(other)}.")


def _rows(session: "SparkSession", snapshot: Snapshot, view: str, table: Table) -> "DataFrame":
    columns = {**table.columns, LOAD_ID: "VARCHAR"}
    schema = ", ".join(f"`{name}` {KINDS.get(kind, kind)}" for name, kind in columns.items())
    paths = snapshot.paths(view)
    if not paths:
        return session.createDataFrame([], schema)
    return _without_damaged(session, session.read.schema(schema).parquet(*paths), snapshot, view)


def _without_damaged(session: "SparkSession", rows: "DataFrame", snapshot: Snapshot, view: str) -> "DataFrame":
    """Leaves out rows of a package that lost a file, where a later import brought the same export whole."""
    damaged, whole = bronze.damaged_exports(snapshot)
    if not (damaged and whole and view.startswith("spotify_export__")):
        return rows
    again = [row[0] for row in session.read.parquet(*whole).select("file_id").distinct().collect()]
    return rows.where(~(rows[LOAD_ID].isin(*damaged) & rows["file_id"].isin(*again)))


def _losses(session: "SparkSession", losses: Iterable[Loss]) -> "DataFrame":
    fields = ("path", "table", "load_id", "reason", "rows", "first_at", "last_at", "is_healed")
    rows = [tuple(None if (told := getattr(loss, field)) is None else str(told) for field in fields) for loss in losses]
    texts = session.createDataFrame(rows, ", ".join(f"{name} string" for name in bronze.LOSSES.columns))
    kinds = bronze.LOSSES.columns.items()
    return texts.selectExpr(*(f"cast({name} as {KINDS.get(kind, kind)}) as {name}" for name, kind in kinds))


def main() -> int:
    """Build on Spark and tell what gold holds."""
    return alone(_build_and_tell)


def _build_and_tell(settings: Settings, _arguments: list[str]) -> int:
    master = os.environ.get("SPARK_MASTER", MASTER) or None
    session = open_session(settings, master)
    build(session, settings, sound_snapshot(settings))
    for table in session.catalog.listTables("gold"):
        sys.stdout.write(f"{table.name} {session.table(f'gold.{table.name}').count():,}\n")
    if master:
        session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
