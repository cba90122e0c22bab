"""A catalog table from MariaDB to parquet: the source beside raw tools and dlt's own backends, each a whole process.

The source does what raw tools do not: key windows under an upper bound, checksums per key range, a load package with
state, and nothing held in memory but a few windows. Ratios are to the raw tool that was the quickest in this run; a
dump is no parquet, and counts all the same. Peers that are not here are left out and named: `mariadb-dump` is looked
for in PATH, polars here and in the Python that PEERS names. What holds a whole table in memory, or takes minutes for a
million rows, is left out above `WHOLE` and `SLOW` rows. What a candidate's imports alone take is measured too.

Data flow: generated table -> MariaDB -> parquet, by each candidate -> a table.
Run: python benchmarks/mysql_to_lake.py [--rows 200000] [--rounds 2] [--s3 1] [--keep]; 3 GB of disk for 5,000,000 rows.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from measured import ROOT, Run, in_turn, options, process, report, table

sys.path.insert(0, str(ROOT))
SLOW, WHOLE = 1_000_000, 5_000_000
OURS_NAME, S3_NAME = "this source", "this source to S3"
FILL = """
insert into spotify_tracks (track_id, name, album_id, artists_id, duration_ms, danceability, energy, loudness, tempo,
    valence, popularity, uri, href, preview_url, updated_at)
select lpad(conv(seq * 859, 10, 36), 22, '0'), concat('Track ', seq, ' über ', md5(seq)),
    lpad(seq div 12, 22, 'a'), concat('["', lpad(seq div 40, 22, 'b'), '"]'), 120000 + seq % 240000,
    rand(seq), rand(seq + 1), -60 * rand(seq + 2), 60 + 140 * rand(seq + 3), rand(seq + 4), seq % 100,
    concat('spotify:track:', md5(seq)), concat('https://api.spotify.com/v1/tracks/', md5(seq)),
    concat('https://p.scdn.co/mp3-preview/', md5(seq), md5(seq + 1)),
    date_add('2024-01-01', interval seq second)
from seq_1_to_{rows}
"""
OURS = """
import os, sys
folder = os.environ["LAKEHOUSE__DATA_DIR"] = sys.argv[2]
os.environ["XDG_CONFIG_HOME"] = folder
os.chdir(os.environ["PYTHONPATH"])
import connectorx, dlt, dlt.sources.sql_database, duckdb, pyarrow.parquet
if not sys.argv[1]:
    sys.exit()
from pipelines.lake import pipeline_for
from pipelines.settings import load
from sources.catalog import extract
done = extract(pipeline_for(load(), "catalog"), sys.argv[1])
assert any(table.rows for table in done), done
"""
STOCK = """
import os, sys
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false"}
import dlt
import sqlalchemy as sa
from dlt.sources.sql_database import sql_table
from pathlib import Path
backend, url, folder = sys.argv[1:]
def plain(table):
    for column in table.columns:
        if isinstance(column.type, sa.Float):
            column.type = sa.Float(asdecimal=False)
pipeline = dlt.pipeline("stock", destination=dlt.destinations.filesystem((Path(folder) / "lake").as_uri()),
                        dataset_name="stock", pipelines_dir=folder + "/pipelines")
kwargs = {"backend_kwargs": {"conn": url.replace("mysql+pymysql", "mysql")}} if backend == "connectorx" else {}
options = {"backend": backend, "chunk_size": 50000, "table_adapter_callback": plain, **kwargs}
table = sql_table(url, table="spotify_tracks", **options)
pipeline.run(table, loader_file_format="parquet").raise_on_failed_jobs()
"""
CONNECTORX = """
import sys
import connectorx as cx
import pyarrow.parquet as pq
url, folder = sys.argv[1:]
pq.write_table(cx.read_sql(url.replace("mysql+pymysql", "mysql"), "select * from spotify_tracks", return_type="arrow"),
               folder + "/raw.parquet")
"""
STREAM = """
import sys
import connectorx as cx
import pyarrow.parquet as pq
url, folder = sys.argv[1:]
if not url:
    sys.exit()
batches = cx.read_sql(url.replace("mysql+pymysql", "mysql"), "select * from spotify_tracks",
                      return_type="arrow_stream", batch_size=50000)
with pq.ParquetWriter(folder + "/raw.parquet", batches.schema) as writer:
    for batch in batches:
        writer.write_batch(batch)
"""
POLARS = """
import sys
import polars as pl
url, folder = sys.argv[1:]
rows = pl.read_database_uri("select * from spotify_tracks", url.replace("mysql+pymysql", "mysql"))
rows.write_parquet(folder + "/raw.parquet")
"""
DUMP = 'exec "$1" --quick --host=127.0.0.1 --port="$2" --user="$3" --password="$4" "$5" spotify_tracks > "$6/dump.sql"'


def candidates(url: str, folder: Path, rows: int, s3: Mapping[str, str]) -> dict[str, Callable[[], Run]]:
    """Every peer that is here and takes so many rows, the raw tools first; then what imports take."""
    found = {"connectorx stream to parquet": [sys.executable, "-c", STREAM, url]}
    if rows <= WHOLE:
        found["connectorx to parquet"] = [sys.executable, "-c", CONNECTORX, url]
        if python := sys.executable if find_spec("polars") else os.environ.get("PEERS"):
            found["polars to parquet"] = [python, "-c", POLARS, url]
    if dump := shutil.which("mariadb-dump") or shutil.which("mysqldump"):
        found["mysqldump"] = ["sh", "-c", DUMP, "dump", dump, *_parts(url)]
    found[OURS_NAME] = [sys.executable, "-c", OURS, url]
    if rows <= WHOLE:
        found["dlt connectorx"] = [sys.executable, "-c", STOCK, "connectorx", url]
    if rows <= SLOW:
        found["dlt pyarrow"] = [sys.executable, "-c", STOCK, "pyarrow", url]
    measured = {name: _candidate(command, folder, rows) for name, command in found.items()}
    if s3:
        measured[S3_NAME] = _candidate(found[OURS_NAME], folder, rows, s3)
    for name, script in (("connectorx stream", STREAM), (OURS_NAME, OURS)):
        measured[f"imports of {name} alone"] = _candidate([sys.executable, "-c", script, ""], folder, 0)
    return measured


def _candidate(command: list[str], folder: Path, rows: int, env: Mapping[str, str] | None = None) -> Callable[[], Run]:
    def measure() -> Run:
        place = tempfile.mkdtemp(dir=folder)
        bucket = {} if env is None else {**env, "DESTINATION__LAKE__BUCKET_URL": _prefix(env, place)}
        run = process([*command, place], bucket, rows=rows)
        shutil.rmtree(place)
        return run

    return measure


def _prefix(env: Mapping[str, str], place: str) -> str:
    """A place of its own in the bucket for each round."""
    return f"{env['DESTINATION__LAKE__BUCKET_URL']}/{Path(place).name}"


def _parts(url: str) -> list[str]:
    import sqlalchemy as sa

    own = sa.make_url(url)
    return [str(own.port), own.username or "", str(own.password or ""), own.database or ""]


def main() -> None:
    """Fills, measures, prints."""
    import sqlalchemy as sa

    from sandbox.servers import mariadb, seaweedfs
    from sources.catalog.schema import create_tables

    asked = options(__doc__, rows=200_000, rounds=2, s3=0)
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="mysql_to_lake_"))
        url = stack.enter_context(mariadb.serve()).fresh()
        s3 = stack.enter_context(seaweedfs.serve()).fresh().environment if asked.s3 else {}
        engine = sa.create_engine(url)
        create_tables(engine)
        with engine.begin() as connection:
            connection.execute(sa.text(FILL.format(rows=asked.rows)))
        runs = in_turn(candidates(url, Path(temporary), asked.rows, s3), asked.rounds)
        names = list(runs)
        quickest = min(names[: names.index(OURS_NAME)], key=lambda name: runs[name].wall)
        missing = [name for name in ("polars", "mysqldump") if not any(name in found for found in runs)]
        told = f"Not measured here: {', '.join(missing)}." if missing else ""
        text = f"{asked.rows:,} rows; ratios to {quickest}.\n\n{table(runs, quickest)}\n\n{told}"
        report("MySQL to lake", text.strip(), keep=asked.keep)


if __name__ == "__main__":
    main()
