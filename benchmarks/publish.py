"""Publishing gold to Postgres, beside a bare binary COPY of the same tables by DuckDB.

The publish does what the bare copy does not: it counts and sums every table on both sides, has dbt make the candidate
with keys, indexes and contracts, runs its tests, and swaps generations. Landing alone is told from its log.

Data flow: environment with a build -> Postgres, by each candidate -> a table.
Run: python benchmarks/publish.py [--plays 100000] [--keep]
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from history_import import write
from measured import ROOT, command, options, process, report, table

sys.path.insert(0, str(ROOT))
BARE = """
import sys
import duckdb
from pipelines.duck import load_extension
build, url, rows = sys.argv[1:]
with duckdb.connect() as own:
    own.execute("set timezone = 'UTC'")
    load_extension(own, "postgres_scanner")
    own.execute(f"attach '{build}' as build (read_only)")
    own.execute(f"attach '{url}' as bare (type postgres)")
    found = own.execute("select table_name from duckdb_tables() where database_name = 'build' and schema_name = 'gold'")
    names = [name for (name,) in found.fetchall()]
    own.execute("begin")
    copied = [own.execute(f"create table bare.public.{name} as from build.gold.{name}").fetchone()[0] for name in names]
    own.execute("commit")
assert sum(copied) == int(rows), copied
"""


def landing(data_dir: Path) -> tuple[int, float]:
    """Rows and seconds of the last landing, from the log."""
    said = [json.loads(line)["message"] for line in (data_dir / "logs" / "lakehouse.log").read_text().splitlines()]
    words = next(text for text in reversed(said) if text.startswith("publish: landed")).split()
    return int(words[2]), float(words[5])


def main() -> None:
    """Builds once, publishes both ways, prints."""
    from sandbox.servers.postgres import serve

    asked = options(__doc__, plays=100_000)
    with tempfile.TemporaryDirectory(prefix="publish_") as temporary, serve() as server:
        folder = Path(temporary)
        write(folder, asked.plays)
        env = {"LAKEHOUSE__DATA_DIR": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
        process(command("import", str(folder / "my_spotify_data.zip")), env)
        build = folder / "data" / "build" / "lakehouse.duckdb"
        to_postgres = {**env, "DESTINATION__WAREHOUSE__CREDENTIALS": server.fresh()}
        whole = process(command("publish"), to_postgres)
        rows, seconds = landing(folder / "data")
        bare = process([sys.executable, "-c", BARE, str(build), server.fresh(), str(rows)])
        runs = {"bare COPY": replace(bare, rows=rows), "publish": replace(whole, rows=rows)}
        told = f"Landing alone: {seconds:.1f} s, {rows / seconds:,.0f} rows/s; whole bare process: {bare.wall:.1f} s."
        text = f"{asked.plays:,} plays, {rows:,} rows of gold.\n\n{table(runs, 'bare COPY')}\n\n{told}"
        report("Publish to Postgres", text, keep=asked.keep)


if __name__ == "__main__":
    main()
