"""What is asked of gold for a range of days: each question one select, which a reader may run again as it stands.

Only days, names and the zone are put into the text, so the SQL that a page shows is the SQL that was run. Counts and
sums come from the `gold.daily_*` aggregates, which stay small however many plays there are.

Data flow: Span -> SQL over gold -> rows
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipelines.duck import literal
from pipelines.span import Span

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Answer:
    """A question's SQL, as it was run, and its rows."""

    sql: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def row(self) -> Mapping[str, Any]:
        """The first row; empty when there is none."""
        return self.rows[0] if self.rows else {}


TOTALS = """
with days as (
    select * from gold.daily_listening where played_on between {first} and {last}
)

select
    coalesce(sum(plays), 0)::bigint as plays,
    coalesce(sum(ms_played), 0)::bigint as ms_played,
    count(*) as days,
    coalesce(sum(new_tracks), 0)::bigint as new_tracks,
    coalesce(sum(new_artists), 0)::bigint as new_artists,
    (select count(distinct recording_id) from gold.daily_tracks where played_on between {first} and {last}) as tracks,
    (select count(distinct artist_key) from gold.daily_artists where played_on between {first} and {last}) as artists
from days
"""

TOP = """
with now as (
    select {key}, sum(plays)::bigint as plays, sum(ms_played)::bigint as ms_played,
        row_number() over (order by sum(plays) desc, sum(ms_played) desc, {key}) as rank
    from gold.{daily}
    where played_on between {{first}} and {{last}}
    group by {key}
),

before as (
    select {key}, row_number() over (order by sum(plays) desc, sum(ms_played) desc, {key}) as previous_rank
    from gold.{daily}
    where played_on between {{before_first}} and {{before_last}}
    group by {key}
)

select now.rank, before.previous_rank, {key} as id, {names}, now.plays, now.ms_played
from now
left join before using ({key}){join}
order by now.rank
limit 10
"""


def _top(daily: str, key: str, names: str, listened: str | None = None) -> str:
    join = f"\nleft join gold.{listened} using ({key})" if listened else ""
    if listened:
        names = ", ".join(f"{listened}.{name}" for name in names.split(", "))
    return TOP.format(daily=daily, key=key, names=names, join=join)


HISTORY = "select min(played_on) as first_on, max(played_on) as last_on from gold.daily_listening"

BY_DAY = """
select played_on, plays, ms_played
from gold.daily_listening
where played_on between {first} and {last}
order by played_on
"""

BY_MONTH = """
select date_trunc('month', played_on)::date as month, sum(plays)::bigint as plays, sum(ms_played)::bigint as ms_played
from gold.daily_listening
where played_on between {first} and {last}
group by all
order by month
"""

CLOCK = """
select weekday, hour, sum(plays)::bigint as plays, sum(ms_played)::bigint as ms_played
from gold.daily_clock
where played_on between {first} and {last}
group by all
order by weekday, hour
"""

BIGGEST_DAY = """
with biggest as (
    select played_on, plays, ms_played, tracks, artists
    from gold.daily_listening
    where played_on between {first} and {last}
    order by ms_played desc, played_on
    limit 1
)

select biggest.*, listened_artists.artist_name as top_artist, daily_artists.plays as top_artist_plays
from biggest
left join gold.daily_artists using (played_on)
left join gold.listened_artists using (artist_key)
order by daily_artists.plays desc, daily_artists.ms_played desc, artist_key
limit 1
"""

STREAK = """
with days as (
    select played_on, played_on - (row_number() over (order by played_on))::integer as island
    from gold.daily_listening
    where played_on between {first} and {last}
)

select count(*) as days, min(played_on) as from_on, max(played_on) as to_on
from days
group by island
order by days desc, from_on
limit 1
"""

SESSION = """
select started_on, length_ms, plays, ms_played
from gold.sessions
where started_on between {first} and {last}
order by ms_played desc, started_at
limit 1
"""

NEW_ARTISTS = """
select listened_artists.artist_name, min(daily_artists.played_on) as first_played_on,
    sum(daily_artists.plays)::bigint as plays, sum(daily_artists.ms_played)::bigint as ms_played
from gold.daily_artists
inner join gold.listened_artists using (artist_key)
where listened_artists.first_played_on between {first} and {last} and daily_artists.played_on <= {last}
    and listened_artists.artist_name <> 'Unknown Artist'
group by artist_key, listened_artists.artist_name
order by plays desc, ms_played desc, artist_key
limit 5
"""

OBSESSIONS = """
with tracks as (
    select recording_id, sum(plays)::bigint as plays, sum(ms_played)::bigint as ms_played
    from gold.daily_tracks
    where played_on between {first} and {last}
    group by recording_id
),

shares as (
    select listened_tracks.track_name, listened_tracks.artist_name, tracks.*,
        tracks.plays / sum(tracks.plays) over (partition by listened_tracks.artist_key) as share
    from tracks
    inner join gold.listened_tracks using (recording_id)
)

select track_name, artist_name, plays, share
from shares
where plays >= 10 and share >= 0.6 and artist_name <> 'Unknown Artist'
order by plays desc, ms_played desc, recording_id
limit 5
"""

TASTE_FEATURES = ("energy", "valence", "danceability", "acousticness", "instrumentalness", "speechiness")

TASTE = (
    "select\n"
    + "".join(
        f"    sum(ms_played * {name}) / nullif(sum(ms_played) filter ({name} is not null), 0) as {name},\n"
        for name in TASTE_FEATURES
    )
    + """    sum(ms_played) filter (energy is not null) / nullif(sum(ms_played), 0) as known_share
from gold.daily_tracks
left join gold.dim_tracks using (track_id)
where played_on between {first} and {last}
"""
)

HABITS = """
with artists as (
    select sum(plays) as plays
    from gold.daily_artists
    where played_on between {first} and {last}
    group by artist_key
    order by plays desc
    limit 10
),

new_plays as (
    select sum(daily_tracks.plays) as plays
    from gold.daily_tracks
    inner join gold.listened_tracks using (recording_id)
    where played_on between {first} and {last} and listened_tracks.first_played_on >= {first}
),

night as (
    select sum(plays) filter (hour >= 22 or hour < 5) as plays, sum(plays) filter (weekday >= 6) as weekend,
        sum(plays) as of_all
    from gold.daily_clock
    where played_on between {first} and {last}
)

select
    (select sum(plays) from artists) / nullif(of_all, 0) as top_ten_share,
    coalesce((select plays from new_plays), 0) / nullif(of_all, 0) as new_share,
    coalesce(plays, 0) / nullif(of_all, 0) as night_share,
    coalesce(weekend, 0) / nullif(of_all, 0) as weekend_share
from night
"""

GAPS = """
select count(*) as gaps, coalesce(sum(missing_at_least), 0)::bigint as missing_at_least,
    min(timezone({zone}, from_at)) as from_at, max(timezone({zone}, to_at)) as to_at
from gold.completeness
where state = 'gap' and timezone({zone}, from_at)::date <= {last} and timezone({zone}, to_at)::date >= {first}
"""

SOURCES = """
select source, count(*) as plays, count(*) filter (is_ms_played_estimated) as estimated
from gold.fct_plays
where is_counted and played_on between {first} and {last}
group by source
order by plays desc, source
"""

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "totals": TOTALS,
        "history": HISTORY,
        "top_artists": _top("daily_artists", "artist_key", "artist_name", "listened_artists"),
        "top_tracks": _top("daily_tracks", "recording_id", "track_name, artist_name", "listened_tracks"),
        "top_albums": _top("daily_albums", "album_key", "album_name, artist_name", "listened_albums"),
        "top_genres": _top("daily_genres", "genre", "genre"),
        "by_day": BY_DAY,
        "by_month": BY_MONTH,
        "clock": CLOCK,
        "biggest_day": BIGGEST_DAY,
        "streak": STREAK,
        "session": SESSION,
        "new_artists": NEW_ARTISTS,
        "obsessions": OBSESSIONS,
        "taste": TASTE,
        "habits": HABITS,
        "gaps": GAPS,
        "sources": SOURCES,
    }
)


def ask(connection: "duckdb.DuckDBPyConnection", sql: str, span: Span, before: Span, zone: str) -> Answer:
    """Answer one question for a range.

    Args:
        connection: Of `pipelines.query.analyst`.
        sql: One of `QUESTIONS`.
        span: The range.
        before: The range that ranks are compared with.
        zone: The listener's zone.

    Returns:
        The statement as it was run, and its rows.
    """
    text = sql.strip().format(
        first=_date(span.first),
        last=_date(span.last),
        before_first=_date(before.first),
        before_last=_date(before.last),
        zone=literal(zone),
    )
    cursor = connection.execute(text)
    names = [column[0] for column in cursor.description]
    return Answer(text, tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall()))


def _date(value: object) -> str:
    return f"date '{value}'"
