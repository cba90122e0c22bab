"""The marts of gold once more, in plain Python over the plays: what the SQL must equal.

Written from the meaning of each mart, not from its SQL: no shared code, no window functions, no joins.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import md5
from zoneinfo import ZoneInfo

from tests.dbt.gold.history import GAP, History, Play, Track


@dataclass(frozen=True)
class Listener:
    """The settings that decide what counts, and where the day begins."""

    zone: ZoneInfo
    min_seconds: float = 30
    min_share: float = 0.1
    first_weekday: int = 7

    def local(self, play: Play) -> datetime:
        return play.ended_at.astimezone(self.zone)

    def day(self, play: Play) -> date:
        return self.local(play).date()

    def counts(self, play: Play) -> bool:
        long_enough = play.is_by_name or play.ms_played >= self.min_share * play.track.duration_ms
        return not play.is_excluded and play.ms_played >= self.min_seconds * 1000 and long_enough

    def counted(self, history: History) -> list[Play]:
        return sorted((p for p in history.plays if self.counts(p)), key=lambda p: (p.ended_at, p.play_id))

    def week_start(self, day: date) -> date:
        return day - timedelta(days=(day.isoweekday() - self.first_weekday) % 7)


def sessions(plays: list[Play]) -> list[tuple[str, datetime, datetime, int, int]]:
    """(id, start, end, plays, ms) of each session."""
    groups: list[list[Play]] = []
    for play in plays:
        if not groups or play.started_at - groups[-1][-1].ended_at > GAP:
            groups.append([])
        groups[-1].append(play)
    return [
        (g[0].play_id, min(p.started_at for p in g), g[-1].ended_at, len(g), sum(p.ms_played for p in g))
        for g in groups
    ]


def streaks(days: Iterable[date]) -> list[tuple[date, date, int]]:
    runs: list[list[date]] = []
    for day in sorted(set(days)):
        if not runs or day != runs[-1][-1] + timedelta(days=1):
            runs.append([])
        runs[-1].append(day)
    return [(run[0], run[-1], len(run)) for run in runs]


def period_starts(day: date, first: date) -> list[tuple[str, date]]:
    return [("month", day.replace(day=1)), ("year", date(day.year, 1, 1)), ("all", first)]


def before(period: str, start: date) -> date | None:
    if period == "month":
        return (start - timedelta(days=1)).replace(day=1)
    return date(start.year - 1, 1, 1) if period == "year" else None


Ranking = dict[tuple[str, date, str], tuple[int, int | None, int, int]]


def ranking(
    plays: list[Play],
    keys: Callable[[Play], Iterable[str]],
    day: Callable[[Play], date],
    shown: Callable[[str, list[Play]], str],
) -> Ranking:
    """(period, start, item) -> (rank, previous rank, plays, ms); `shown` gives the id that breaks ties."""
    first = min(day(p) for p in plays)
    groups: dict[tuple[str, date], dict[str, list[Play]]] = defaultdict(lambda: defaultdict(list))
    for play in plays:
        for period, start in period_starts(day(play), first):
            for key in set(keys(play)):
                groups[period, start][key].append(play)
    ranks: dict[tuple[str, date, str], int] = {}
    sums: dict[tuple[str, date, str], tuple[int, int]] = {}
    for (period, start), items in groups.items():
        totals = {k: (len(ps), sum(p.ms_played for p in ps)) for k, ps in items.items()}
        order = sorted(items, key=lambda k: (-totals[k][0], -totals[k][1], shown(k, items[k]), k))
        for place, key in enumerate(order, start=1):
            ranks[period, start, key] = place
            sums[period, start, key] = totals[key]
    return {
        (period, start, key): (
            rank,
            ranks.get((period, earlier, key)) if (earlier := before(period, start)) else None,
            *sums[period, start, key],
        )
        for (period, start, key), rank in ranks.items()
    }


def most_played(name: Callable[[Play], str | None], plays: list[Play]) -> str | None:
    """The name with most plays; ties by time, then name; None stands after every name."""
    count: Counter[str | None] = Counter()
    time: Counter[str | None] = Counter()
    for play in plays:
        count[name(play)] += 1
        time[name(play)] += play.ms_played
    return min(count, key=lambda t: (-count[t], -time[t], t is None, t or ""))


def first_days(plays: list[Play], key: Callable[[Play], str], day: Callable[[Play], date]) -> dict[str, date]:
    found: dict[str, date] = {}
    for play in plays:
        found[key(play)] = min(day(play), found.get(key(play), date.max))
    return found


@dataclass(frozen=True)
class Keys:
    """What a play is counted under."""

    recording: str
    track: str | None
    artist: str
    album: str | None


def name_id(*names: str) -> str:
    return "name:" + md5("\x1f".join(n.strip().lower() for n in names).encode(), usedforsecurity=False).hexdigest()


def album_of(track: Track, known: list[Play]) -> str:
    """The album's id; of an album by name that of its most played namesake, else a hash of the names."""
    if track.album_id:
        return track.album_id
    namesakes = Counter(
        p.track.album_id
        for p in known
        if p.track.album_id and (p.track.artist_name, p.track.album_name) == (track.artist_name, track.album_name)
    )
    return min(namesakes, key=lambda a: (-namesakes[a], a), default=name_id(track.artist_name, track.album_name))


def keys(history: History) -> dict[str, Keys]:
    """Keys of every play that is not excluded; a play by name takes those of its most played namesake."""
    known = [p for p in history.plays if not p.is_excluded and not p.is_by_name]
    tracks: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    artists: dict[str, Counter[str]] = defaultdict(Counter)
    by_id = {p.track.track_id: p.track for p in known}
    for play in known:
        tracks[play.track.artist_name, play.track.track_name][play.track.track_id] += 1
        artists[play.track.artist_name][play.track.artist_id] += 1
    found: dict[str, Keys] = {}
    for play in history.plays:
        track = play.track
        if not play.is_by_name:
            album = album_of(track, known)
            found[play.play_id] = Keys(track.recording_id, track.track_id, track.artist_id, album)
        elif count := tracks.get((track.artist_name, track.track_name)):
            twin = by_id[min(count, key=lambda t: (-count[t], t))]
            found[play.play_id] = Keys(twin.recording_id, twin.track_id, twin.artist_id, album_of(twin, known))
        else:
            named = artists.get(track.artist_name)
            artist = min(named, key=lambda a: (-named[a], a)) if named else name_id(track.artist_name)
            found[play.play_id] = Keys(name_id(track.artist_name, track.track_name), None, artist, None)
    return found
