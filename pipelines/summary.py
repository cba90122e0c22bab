"""What a person sees when a run has published: rows per layer, the reconciliation, the listener, what to try next.

Data flow: warehouse, snapshot -> text
"""

from typing import IO, TYPE_CHECKING

from pipelines.ended import Run
from pipelines.query import analyst
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb

MEANINGS = {
    "published": "published: the audited gold is what readers see",
    "nothing new": "nothing new: what is published is all that there is",
}
"""What a run without a problem says of its state; one with problems says those."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHADES = " .:-=+*#%@"
NEXT = (
    ("python pipelines/run.py sql \"select * from gold.top_tracks where period = 'all' order by rank limit 10\"", ""),
    ("python pipelines/run.py wrapped", "the last year as one page to look at and to share"),
    ("make notebook", "the catalog profiled, in the browser"),
)


def show(settings: Settings, run: Run, to: IO[str]) -> None:
    """Write the summary of a published run."""
    with analyst(settings) as connection:
        parts = (_layers(connection), _stations(connection, run), _artists(connection), _clock(connection))
        to.write("\n\n".join(part for part in (*parts, _next()) if part) + "\n")


def _layers(connection: "duckdb.DuckDBPyConnection") -> str:
    rows = []
    for layer in ("bronze", "silver", "gold"):
        names = connection.execute(
            "select distinct table_name from information_schema.tables where table_schema = ? order by 1", [layer]
        ).fetchall()
        counts = {name: _count(connection, f'{layer}."{name}"') for (name,) in names}
        rows.append(f"{layer:<8}" + _wrapped([f"{name} {count:,}" for name, count in counts.items() if count]))
    return "Rows\n" + "\n".join(rows)


def _wrapped(words: list[str], width: int = 100) -> str:
    lines, current = [], ""
    for word in words:
        if current and len(current) + len(word) + 3 > width:
            lines.append(current)
            current = ""
        current = f"{current} · {word}" if current else word
    return ("\n" + " " * 8).join([*lines, current])


def _count(connection: "duckdb.DuckDBPyConnection", place: str) -> int:
    ((count,),) = connection.execute(f"select count(*) from {place}").fetchall()
    return int(count)


def _stations(connection: "duckdb.DuckDBPyConnection", run: Run) -> str:
    found = connection.execute(
        "select table_name, list(rows order by case station when 'source' then 1 when 'bronze' then 2 when 'silver'"
        " then 3 when 'gold' then 4 else 5 end), bool_and(explained) from ops.reconciliation where run_id = ?"
        " group by table_name order by 1",
        [run.run_id],
    ).fetchall()
    lines = [
        f"  {table:<28} {' = '.join(f'{count:,}' for count in counts)}  {'agree' if fine else 'DISAGREE'}"
        for table, counts, fine in found
    ]
    return "Reconciliation (source = bronze = silver = gold = published)\n" + "\n".join(lines) if lines else ""


def _artists(connection: "duckdb.DuckDBPyConnection") -> str:
    rows = connection.execute(
        "select artist_name, plays, ms_played from gold.top_artists where period = 'all' order by rank limit 8"
    ).fetchall()
    most = max((plays for _, plays, _ in rows), default=1)
    lines = [
        f"  {name[:28]:<28} {'█' * max(1, round(30 * plays / most)):<30} {plays:>6,} plays {ms / 3_600_000:>7,.1f} h"
        for name, plays, ms in rows
    ]
    return "Top artists\n" + "\n".join(lines) if lines else ""


def _clock(connection: "duckdb.DuckDBPyConnection") -> str:
    cells = {
        (weekday, hour): plays
        for weekday, hour, plays in connection.execute(
            "select weekday, hour, plays from gold.listening_clock"
        ).fetchall()
    }
    most = max(cells.values(), default=0)
    if not most:
        return ""
    lines = [
        f"  {name}  " + "".join(SHADES[-(-9 * cells.get((day, hour), 0) // most)] * 2 for hour in range(24))
        for day, name in enumerate(WEEKDAYS, start=1)
    ]
    hours = "       " + "".join(f"{hour:<6}" for hour in range(0, 24, 3))
    return "Listening clock (hour by weekday)\n" + "\n".join([hours.rstrip(), *lines])


def _next() -> str:
    return "Next\n" + "\n".join(f"  {command}" + (f"   # {why}" if why else "") for command, why in NEXT)
