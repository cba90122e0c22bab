"""How quickly each mart answers its typical question, beside the same question asked of `gold.fct_plays`.

One listener's environment is made by the whole flow. For each size its build database is copied, the plays in
`silver.int_plays_unified` are replaced by as many synthetic ones made in SQL, and dbt builds all of gold that follows
from plays over them, from `fct_plays` to the last mart, but for the recommender. Then each question is asked of the
mart and of the facts in turn; different answers end the benchmark. `stats` is measured as a whole process that compares
a year with the year before it.

Data flow: sandbox -> build database -> synthetic plays -> dbt -> marts -> a table
Run: python benchmarks/questions.py [--least 10000] [--most 10000000] [--rounds 5] [--tracks 20000] [--keep]
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from asked import PLAYS, QUESTIONS
from measured import ROOT, Run, command, options, process, report

if TYPE_CHECKING:
    import duckdb

LAST_DAY = date(2026, 3, 14)
DAYS = 21_900
"""Plays are spread over sixty years, fewer than thirty a day over as many days as that takes."""
MEMORY = "4GB"
CHOSEN = ("--select", "fct_plays+", "--exclude", "path:models/gold/recommender", "path:models/serve")
# four sittings a day of at most three and a half hours; a few tracks are heard a lot, as the third power of a hash says
SYNTHETIC = f"""
create or replace table silver.int_plays_unified as
with pool as (
    select t.track_id, t.track_name, t.artist_id, a.artist_name, t.album_id, b.album_name,
        coalesce(r.recording_id, t.track_id) as recording_id, t.duration_ms,
        row_number() over (order by hash(t.track_id), t.track_id) - 1 as place
    from silver.int_tracks as t
    join silver.int_artists as a using (artist_id)
    join silver.int_albums as b using (album_id)
    left join silver.int_recordings as r using (track_id)
    where t.duration_ms > 0
),

size as (
    select count(*) as tracks from pool
),

drawn as (
    select i, i // {{a_day}} as day, (i % {{a_day}}) * 4 // {{a_day}} as sitting,
        (i % {{a_day}}) - ((i % {{a_day}}) * 4 // {{a_day}} * {{a_day}} + 3) // 4 as in_sitting,
        least(200000, 12600000 * 4 // {{a_day}}) as step_ms,
        floor(tracks * pow((hash(i) % 1000003) / 1000003, 3))::bigint as place, hash(i, 'habit') as dice
    from range({{plays}}) as numbers(i), size
),

timed as (
    select *, timestamptz '{LAST_DAY} 00:00:00+00' - to_days(({{days}} - 1 - day)::int)
        + to_milliseconds(((6 + 4.4 * sitting) * 3600000)::bigint + in_sitting * step_ms) as started_at,
        case when dice % 8 = 0 then 5000 + dice % 20000 else greatest(31000, step_ms - 2000 - dice % 1000) end::bigint
            as ms
    from drawn
)

select
    md5(i::varchar) as play_id, started_at + to_milliseconds(ms) as ended_at, started_at, ms as ms_played,
    false as is_ms_played_estimated, dice % 8 = 0 as is_skipped, false as is_incognito,
    track_id, track_name, artist_id, artist_name, album_id, album_name, recording_id, duration_ms,
    case dice % 3 when 0 then 'ios' when 1 then 'windows' else 'linux' end as platform, 'trackdone' as reason_start,
    case when dice % 8 = 0 then 'fwdbtn' else 'trackdone' end as reason_end, 'extended' as source,
    ['extended'] as sources, false as is_excluded
from timed join pool using (place)
"""


def grow(data: Path, database: Path, plays: int) -> None:
    """Replace the plays of a build database and build gold over them; the work of a process of its own."""
    os.environ |= {"LAKEHOUSE__DATA_DIR": str(data), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    sys.path.insert(0, str(ROOT))
    import duckdb
    from dbt.cli.main import dbtRunner

    from pipelines import dbt_run
    from pipelines.settings import load

    days = min(DAYS, -(-plays // 30))
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"set timezone = 'UTC'; set memory_limit = '{MEMORY}'; set preserve_insertion_order = false")
        connection.execute(SYNTHETIC.format(plays=plays, days=days, a_day=-(-plays // days)))
    places = {
        "--project-dir": dbt_run.DBT,
        "--profiles-dir": dbt_run.DBT,
        "--target-path": database.parent / "target",
        "--log-path": database.parent,
        "--log-level": "none",
        "--vars": json.dumps(dbt_run.variables(load())),
    }
    os.environ |= {**dbt_run.SILENT, "LAKEHOUSE_BUILD_FILE": str(database), "LAKEHOUSE__MEMORY_LIMIT": MEMORY}
    result = dbtRunner().invoke(["run", "--target", "lake", *CHOSEN, *map(str, chain.from_iterable(places.items()))])
    if not result.success:
        raise SystemExit(f"dbt failed: {result.exception or [str(run.message) for run in result.result.results]}")


def values(connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    """What stands for the names in questions."""
    ((last,),) = connection.execute("select max(played_on) from gold.daily_listening").fetchall()
    month = last.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    found = {"first": last - timedelta(days=364), "last": last, "month": month, "before": before}
    texts = {name: f"date '{value}'" for name, value in found.items()}
    for name, key in (("song", "recording_id"), ("artist", "artist_id"), ("album", "album_id")):
        row = connection.execute(f"select {key} {PLAYS} group by 1 order by count(*) desc, 1 limit 1").fetchone()
        texts[name] = f"'{row[0]}'" if row else "null"
    return texts


def asked(database: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each question, asked of the mart and of the facts in turn.

    Raises:
        SystemExit: They answer differently.
    """
    import duckdb

    found: dict[str, tuple[float, float]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        told = values(connection)
        for mart, texts in QUESTIONS.items():
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                answers = []
                for text, spent in zip(texts, times, strict=True):
                    started = time.perf_counter()
                    answers.append(connection.execute(text.format(**told)).fetchall())
                    spent.append(1000 * (time.perf_counter() - started))
                if answers[0] != answers[1] or not answers[0]:
                    raise SystemExit(f"{mart} and fct_plays disagree: {answers[0][:3]} and {answers[1][:3]}")
            found[mart] = (statistics.median(times[0]), statistics.median(times[1]))
    return found


def measure_stats(env: Mapping[str, str], database: Path) -> Run:
    """`stats` of a year against the year before it, as a process."""
    now, before = (LAST_DAY - timedelta(days=days) for days in (364, 365))
    ranges = ("--from", str(now), "--to", str(LAST_DAY), "--versus", str(before - timedelta(days=364)), str(before))
    warehouse = {**env, "DESTINATION__WAREHOUSE__CREDENTIALS": str(database)}
    return min((process(command("stats", *ranges), warehouse) for _ in range(3)), key=lambda run: run.wall)


def sizes(database: Path) -> str:
    """Rows of the facts and of the largest mart."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        rows = dict(
            connection.execute("select table_name, estimated_size from duckdb_tables() where schema_name = 'gold'")
            .fetchall()
        )  # fmt: skip
    facts = rows.pop("fct_plays")
    largest = max(rows, key=lambda name: int(rows[name]))
    return f"{facts:,} rows of fct_plays; the largest mart is {largest}: {rows[largest]:,}"


def main() -> None:
    """Makes, asks, prints."""
    if sys.argv[1:2] == ["--child"]:
        grow(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
        return
    wanted = options(__doc__, least=10_000, most=10_000_000, rounds=5, tracks=20_000)
    steps = [plays for plays in (10_000, 1_000_000, 10_000_000) if wanted.least <= plays <= wanted.most]
    notes, columns = [], {}
    with tempfile.TemporaryDirectory(prefix="questions_") as temporary:
        data = Path(temporary) / "data"
        env = {"LAKEHOUSE__DATA_DIR": str(data), "XDG_CONFIG_HOME": str(data / "config")}
        process(command(), {**env, "SANDBOX__TRACKS": str(wanted.tracks)})
        for plays in steps:
            database = Path(temporary) / str(plays) / "lakehouse.duckdb"
            database.parent.mkdir()
            shutil.copy(data / "build" / "lakehouse.duckdb", database)
            grown = process([sys.executable, __file__, "--child", str(data), str(database), str(plays)])
            columns[plays] = asked(database, wanted.rounds)
            stats = measure_stats(env, database)
            notes.append(
                f"- {sizes(database)}. Gold was built in {grown.wall:.0f} s ({grown.cpu:.0f} CPU s, peak"
                f" {grown.memory:,.0f} MB). `stats` of a year against another, whole process: {stats.wall:.2f} s"
                f" ({stats.cpu:.2f} CPU s)."
            )
            print(json.dumps({"plays": plays, "note": notes[-1]}), flush=True)
            database.unlink()
    report("Questions", table(columns) + "\n\n" + "\n".join(notes), keep=wanted.keep)


def table(columns: Mapping[int, Mapping[str, tuple[float, float]]]) -> str:
    """Milliseconds by mart and size."""
    lines = [
        "| ms of the question, median | " + " | ".join(f"{plays:,}: mart | facts | ratio" for plays in columns) + " |",
        "|---|" + "--:|--:|--:|" * len(columns),
    ]
    for mart in QUESTIONS:
        cells = [columns[plays][mart] for plays in columns]
        told = (f"{mine:.1f} | {facts:.1f} | {facts / mine:.1f}" for mine, facts in cells)
        lines.append(f"| {mart} | " + " | ".join(told) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
