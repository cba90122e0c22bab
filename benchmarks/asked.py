"""The typical question of each mart, and the same question asked of `gold.fct_plays`, which must answer the same.

`{first}` and `{last}` are a year of days, `{month}` and `{before}` the first days of a month and of the one before it,
`{song}`, `{artist}` and `{album}` the most played ones. Values are rounded, since floats are added in another order.

Data flow: names of marts -> two SQL texts each
"""

from collections.abc import Mapping
from types import MappingProxyType

PLAYS = "from gold.fct_plays where is_counted"
RANGE = "played_on between {first} and {last}"
SUMS = "count(*) as plays, sum(ms_played)::bigint as ms"
ADDED = "sum(plays)::bigint as plays, sum(ms_played)::bigint as ms"
GENRES = "(select distinct artist_id, unnest(genres) as genre from gold.dim_artists)"
ISLANDS = f"""
with days as (select played_on, {SUMS} {PLAYS} group by 1),
numbered as (select *, played_on - (row_number() over (order by played_on))::int as island from days)
select min(played_on) as first, count(*) as days, sum(plays)::bigint from numbered
group by island order by 2 desc, 3 desc, 1 limit 5
"""


def _ranked(key: str, source: str, sums: str) -> str:
    return f"select {key}, {sums} {source} group by 1 order by 2 desc, 3 desc, 1 limit 10"


def _top(mart: str, shown: str, key: str, source: str = PLAYS) -> tuple[str, str]:
    """The ten most played of a month with their rank in the month before."""
    order = f"order by count(*) desc, sum(ms_played) desc, {key}"
    ranked = f"select {key} as item, {SUMS}, row_number() over ({order}) as rank {source}"
    now, before = (
        f"{ranked} and played_on between {{{name}}} and last_day({{{name}}}) group by 1" for name in ("month", "before")
    )
    return (
        f"select {shown}, plays, ms_played, rank, previous_rank from gold.{mart}"
        " where period = 'month' and period_start = {month} and rank <= 10 order by rank",
        f"select item, now.plays, now.ms, now.rank, before.rank from ({now}) as now"
        f" left join ({before}) as before using (item) where now.rank <= 10 order by now.rank",
    )


def _ever(mart: str, key: str, value: str) -> tuple[str, str]:
    """The whole history with one item."""
    told = "plays, ms_played, streams, finishes, first_played_at, last_played_at"
    return (
        f"select {told} from gold.{mart} where {key} = {{{value}}}",
        "select count(*) filter (is_counted), sum(ms_played) filter (is_counted)::bigint, count(*),"
        " count(*) filter (is_finished), min(played_at) filter (is_counted), max(played_at) filter (is_counted)"
        f" from gold.fct_plays where not is_excluded and {key.replace('_key', '_id')} = {{{value}}}",
    )


def _by_month(mart: str, told: str, facts: str, source: str = PLAYS) -> tuple[str, str]:
    return (
        f"select month, {told} from gold.{mart} order by 1",
        f"select date_trunc('month', played_on)::date as month, {facts} {source} group by 1 order by 1",
    )


def _firsts(key: str) -> str:
    return (
        f"(select month, count(*) from (select date_trunc('month', min(played_on))::date as month {PLAYS}"
        f" group by {key}) group by 1)"
    )


DESCRIBED = "from gold.fct_plays as p left join gold.dim_tracks as t using (track_id)"
QUESTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "daily_listening": (
            f"select {ADDED}, count(*) from gold.daily_listening where {RANGE}",
            f"select {SUMS}, count(distinct played_on) {PLAYS} and {RANGE}",
        ),
        "daily_tracks": (
            _ranked("recording_id", f"from gold.daily_tracks where {RANGE}", ADDED),
            _ranked("recording_id", f"{PLAYS} and {RANGE}", SUMS),
        ),
        "daily_artists": (
            _ranked("artist_key", f"from gold.daily_artists where {RANGE}", ADDED),
            _ranked("artist_id", f"{PLAYS} and {RANGE}", SUMS),
        ),
        "daily_albums": (
            _ranked("album_key", f"from gold.daily_albums where {RANGE}", ADDED),
            _ranked("album_id", f"{PLAYS} and {RANGE}", SUMS),
        ),
        "daily_genres": (
            _ranked("genre", f"from gold.daily_genres where {RANGE}", ADDED),
            _ranked("genre", f"from gold.fct_plays join {GENRES} using (artist_id) where is_counted and {RANGE}", SUMS),
        ),
        "daily_clock": (
            f"select weekday, hour, {ADDED} from gold.daily_clock where {RANGE} group by all order by all",
            f"select weekday, hour, {SUMS} {PLAYS} and {RANGE} group by all order by all",
        ),
        "listening_clock": (
            "select weekday, hour, plays, ms_played from gold.listening_clock where plays > 0 order by all",
            f"select weekday, hour, {SUMS} {PLAYS} group by all order by all",
        ),
        "weekly_listening": (
            "select week_starts_on, plays, ms_played from gold.weekly_listening order by 1 desc limit 52",
            f"select date_trunc('week', played_on)::date, {SUMS} {PLAYS} group by 1 order by 1 desc limit 52",
        ),
        "top_tracks": _top("top_tracks", "recording_id", "recording_id"),
        "top_artists": _top("top_artists", "artist_key", "artist_id"),
        "top_albums": _top("top_albums", "album_key", "album_id"),
        "top_genres": _top(
            "top_genres", "genre_name", "genre", f"from gold.fct_plays join {GENRES} using (artist_id) where is_counted"
        ),
        "listened_tracks": _ever("listened_tracks", "recording_id", "song"),
        "listened_artists": _ever("listened_artists", "artist_key", "artist"),
        "listened_albums": _ever("listened_albums", "album_key", "album"),
        "sessions": (
            "select session_id, plays, ms_played from gold.sessions order by 3 desc, 1 limit 10",
            f"select session_id, {SUMS} {PLAYS} group by 1 order by 3 desc, 1 limit 10",
        ),
        "streaks": (
            "select started_on, days, plays from gold.streaks order by rank limit 5",
            ISLANDS,
        ),
        "discoveries": (
            "select month, new_artists, new_tracks from gold.discoveries where new_tracks > 0 order by 1",
            f"select month, coalesce(a.n, 0), t.n from {_firsts('recording_id')} as t(month, n)"
            f" left join {_firsts('artist_id')} as a(month, n) using (month) order by 1",
        ),
        "taste_by_month": _by_month(
            "taste_by_month",
            "round(energy, 6), round(valence, 6)",
            "round(sum(energy * ms_played) / sum(ms_played) filter (energy is not null), 6),"
            " round(sum(valence * ms_played) / sum(ms_played) filter (valence is not null), 6)",
            f"{DESCRIBED} where is_counted",
        ),
        "eras": (
            "select decade, sum(plays)::bigint as plays, sum(ms_played)::bigint from gold.eras group by 1 order by 1",
            f"select (year(released_on) // 10) * 10 as decade, {SUMS} {DESCRIBED}"
            " left join gold.dim_albums as a on t.album_id = a.album_id where is_counted group by 1 order by 1",
        ),
        "platforms": (
            f"select platform, {ADDED} from gold.platforms group by 1 order by 1",
            f"select platform, {SUMS} {PLAYS} group by 1 order by 1",
        ),
        "skips": _by_month(
            "skips",
            "round(skip_share, 6)",
            "round(count(*) filter (is_skipped) / count(is_skipped), 6)",
            "from gold.fct_plays where not is_excluded",
        ),
        "on_repeat": (
            "select recording_id, plays, ms_played from gold.on_repeat order by rank limit 10",
            _ranked("recording_id", f"{PLAYS} and played_on > (select max(played_on) - 30 {PLAYS})", SUMS).replace(
                "order by", "having count(*) >= 3 order by"
            ),
        ),
        "forgotten": (
            "select recording_id, plays, ms_played from gold.forgotten order by rank limit 10",
            _ranked("recording_id", PLAYS, SUMS).replace(
                "order by",
                f"having count(*) >= 5 and max(played_on) <= (select max(played_on) - 180 {PLAYS}) order by",
            ),
        ),
        "records": (
            "select value, happened_at from gold.records where record = 'milestone' and value <= 10000 order by 1",
            f"select n, played_at from (select row_number() over (order by played_at, play_id) as n, played_at {PLAYS})"
            " where n in (1, 100, 1000, 5000, 10000) order by 1",
        ),
        "coverage": _by_month(
            "coverage",
            "plays, round(features_share, 6)",
            "count(*), round(count(energy) / count(*), 6)",
            f"{DESCRIBED} where is_counted",
        ),
    }
)
