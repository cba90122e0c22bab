"""Publishing gold to Postgres, beside a bare binary COPY of the same tables by DuckDB.

The publish does what the bare copy does not: it counts and sums every table on both sides, has dbt make the candidate
with keys, indexes and contracts, runs its tests, and swaps generations. What each of these takes is told from the log
and from dbt's own results. The first publish of an environment also has dbt read the whole project; so a second one,
into the emptied database, is measured too. What a day of new plays takes then is told by the steps of its publish.

Data flow: a lifetime of plays -> build -> Postgres, by each candidate -> a table; a day of new plays -> its steps.
Run: python benchmarks/publish.py [--plays 100000] [--keep]
"""

import json
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from listened import write
from measured import ROOT, command, options, process, report, table

sys.path.insert(0, str(ROOT))
SETTING = "DESTINATION__WAREHOUSE__CREDENTIALS"
STEP = re.compile(r"publish: (?P<what>.+?) in (?P<seconds>[0-9.]+) s")
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


def steps(data_dir: Path) -> dict[str, float]:
    """Seconds of the steps of the last publish; dbt's of what it did for the models, on all its threads together."""
    lines = (data_dir / "logs" / "lakehouse.log").read_text(encoding="utf-8").splitlines()
    found: dict[str, float] = {}
    for said in (json.loads(line)["message"] for line in lines):
        if match := STEP.match(said):
            found[re.sub(r"[\d,]+ rows", "", match["what"]).strip()] = float(match["seconds"])
    candidate = found.pop("built and audited the candidate")
    results = json.loads((data_dir / "build" / "dbt-serve" / "run_results.json").read_text(encoding="utf-8"))
    found["candidate: dbt starts and reads the project"] = candidate - results["elapsed_time"]
    found["candidate: tables, keys, checks, indexes; foreign keys"] = results["elapsed_time"]
    for node in sorted(results["results"], key=lambda node: -float(node["execution_time"]))[:3]:
        found[f"  of it {node['unique_id'].rpartition('.')[2]}"] = float(node["execution_time"])
    return found


def landed(data_dir: Path) -> int:
    """Rows of the last landing, from the log."""
    said = [json.loads(line)["message"] for line in (data_dir / "logs" / "lakehouse.log").read_text().splitlines()]
    return int(next(text for text in reversed(said) if text.startswith("publish: landed")).split()[2])


def emptied(url: str) -> None:
    """Drop what a publish made in a database."""
    import psycopg2

    schemas = "select nspname from pg_namespace where nspname ~ '^(gold|landing|candidate|publication|ops)'"
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(schemas)
        for (name,) in cursor.fetchall():
            cursor.execute(f'drop schema "{name}" cascade')
            connection.commit()  # one schema at a time: each table that goes is a lock that is held
    connection.close()


def main() -> None:
    """Builds once, publishes both ways, prints."""
    from sandbox.servers.postgres import serve

    asked = options(__doc__, plays=100_000)
    with tempfile.TemporaryDirectory(prefix="publish_") as temporary, serve() as server:
        folder, url = Path(temporary), server.fresh()
        # every track is looked up at once, as it is some weeks after an import
        env = {
            "LAKEHOUSE__DATA_DIR": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "SOURCES__SPOTIFY_API__DAILY_BUDGET": "100000",
        }
        process(command(), env)
        process(command("import", str(write(folder, folder / "data" / "catalog.sqlite", asked.plays))), env)
        process(command("--advance", "1d"), env)
        build, env = folder / "data" / "build" / "lakehouse.duckdb", {**env, SETTING: url}
        runs, told = {}, {}
        for name in ("publish, the first", "publish, the next"):
            emptied(url)
            runs[name] = process(command("publish"), env)
            told[name] = steps(folder / "data")
        rows = landed(folder / "data")
        runs = {"bare COPY": process([sys.executable, "-c", BARE, str(build), server.fresh(), str(rows)]), **runs}
        process(command("--advance", "1d"), env)
        told["a day of new plays"] = steps(folder / "data")
        size = f"{asked.plays:,} plays, {rows:,} rows of gold"
        size = f"{size}; of the day of new plays {landed(folder / 'data'):,} rows travelled."
        compared = table({name: replace(run, rows=rows) for name, run in runs.items()}, "bare COPY")
        text = f"{size}\n\n{compared}\n\n{beside(told)}"
        report("Publish to Postgres", text, keep=asked.keep)


def beside(told: dict[str, dict[str, float]]) -> str:
    """Steps of several publishes as a Markdown table."""
    lines = [f"| seconds of | {' | '.join(told)} |", "|---|" + "--:|" * len(told)]
    for step in dict.fromkeys(step for each in told.values() for step in each):
        seconds = [f"{each[step]:.1f}" if step in each else "" for each in told.values()]
        lines.append(f"| {step} | {' | '.join(seconds)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
