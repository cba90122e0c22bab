"""What gold must hold, in plain Python over the world's truth and the rows of the catalog; nothing of the product.

Data flow: sandbox world, catalog, the schedule's own notes -> differences, one sentence each
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.play import Play, moment
from sandbox.world import EXPORT_UNTIL, World
from tests.environment import Environment
from tests.torture.ground import Ground

PAGE = 50
TOO_SHORT_TO_TELL = 2000
"""A stream that an export tells again a second later, when it lasted no longer: it may as well be another."""
CATALOG = {
    "spotify_tracks": ("stg_catalog__tracks", "track_id", "name", "track_name"),
    "spotify_albums": ("stg_catalog__albums", "album_id", "name", "album_name"),
    "spotify_artists": ("stg_catalog__artists", "artist_id", "name", "artist_name"),
}


@dataclass
class Model:
    """What the world told so far.

    Attributes:
        sure: Plays that a run which ended well has asked for: gold must hold them.
        renamed: Names that the listener gave, by artist; several sets where a folder of rules was lost that a killed
            run may have brought into the lake or not.
        loaded: The names that a run which ended well has brought into the lake.
    """

    folder: Path
    ground: Ground
    sure: set[int] = field(default_factory=set)
    renamed: list[dict[str, str]] = field(default_factory=lambda: [{}])
    loaded: list[dict[str, str]] = field(default_factory=lambda: [{}])

    def world(self) -> World:
        """The truth, opened."""
        return World(self.folder / "sandbox")

    def polled(self) -> None:
        """A run ended well: the page of this moment and the rules are in the lake."""
        self.loaded = self.renamed
        world = self.world()
        self.sure |= {play.number for play in world.store.offerable(world.now_ms + 1, PAGE)}
        world.close()

    def rules_lost(self) -> None:
        """The folder of rules is gone: what the lake holds comes back."""
        self.renamed = [*self.loaded, *(names for names in self.renamed if names not in self.loaded)]

    def differences(self, environment: Environment) -> list[str]:
        """Every way in which what is published is not what it must be."""
        return [
            *self._plays(environment),
            *self._catalog(environment),
            *self._rules(environment),
            *self._own_account(environment),
        ]

    def _plays(self, environment: Environment) -> Iterator[str]:
        world = self.world()
        truth = [play for play in world.plays() if play.kind != "episode" and not play.incognito]
        offered = set(world.store.offers())
        world.close()
        told = [play for play in truth if _is_exported(play)]
        must = Counter(_key(play) for play in truth if _is_exported(play) or play.number in self.sure)
        may = Counter(_key(play) for play in truth if _is_exported(play) or play.number in offered | self.sure)
        may |= Counter(("", play.ended_ms // 1000 + 1) for play in told if play.ms_played < TOO_SHORT_TO_TELL)
        rows = environment.ask(
            "select coalesce(track_id, track_name) as item, epoch_ms(played_at) // 1000 as second, source from gold.fct_plays"
        )
        gold = Counter((row["item"] if row["source"] == "api" else "", int(row["second"])) for row in rows)
        if missing := must - gold:
            yield f"gold lacks {missing.total()} plays, such as {next(iter(missing))} ({len(told)} were exported)"
        if extra := gold - may:
            yield f"gold has {extra.total()} plays that never were, or twice, such as {next(iter(extra))}"
        yield from self._gaps(environment, truth, gold)

    def _gaps(self, environment: Environment, truth: list[Play], gold: Counter[tuple[str, int]]) -> Iterator[str]:
        """A play that could have been offered and is not there lies in a gap that is shown."""
        stretches = environment.ask("select from_at, to_at, state from gold.completeness order by 1")
        if not stretches:
            return
        proven = [(row["from_at"], row["to_at"]) for row in stretches if row["state"] == "proven"]
        for play in truth:
            at = moment(play.played_ms).strftime("%Y-%m-%dT%H:%M:%S.%f")
            late = play.arrived_ms > play.played_ms
            if play.is_offerable and not late and not gold[_key(play)] and any(a[:26] < at < b[:26] for a, b in proven):
                yield f"{at} of {play.item_id} is missing in a stretch that is called proven"

    def _catalog(self, environment: Environment) -> Iterator[str]:
        for table, (model, key, name, renamed) in CATALOG.items():
            source = {row[0]: row[1] or "" for row in self.ground.rows(f"select {key}, {name} from {table}")}
            rows = environment.ask(f"select {key}, {renamed} from silver.{model}")
            silver = {row[key]: row[renamed] for row in rows}
            if len(rows) != len(silver):
                yield f"{model} has a key twice"
            differing = {key for key in source.keys() | silver.keys() if source.get(key) != silver.get(key)}
            if differing:
                yield f"{model} differs from {table} in {len(differing)} keys, such as {min(differing)}"

    def _rules(self, environment: Environment) -> Iterator[str]:
        names = {
            artist_id: name or "" for artist_id, name in self.ground.rows("select artist_id, name from spotify_artists")
        }
        rows = environment.ask("select artist_id, artist_name from gold.dim_artists")
        gold = {row["artist_id"]: row["artist_name"] for row in rows if row["artist_id"] in names}
        expected = [{key: {**names, **given}[key] for key in gold} for given in self.renamed]
        if gold not in expected:
            differing = [key for key in gold if gold[key] != expected[0][key]]
            yield f"{len(differing)} artists have another name than they were given, such as {differing[0]}"

    def _own_account(self, environment: Environment) -> Iterator[str]:
        for row in environment.ask(
            "select table_name, station from ops.reconciliation where not explained and run_id ="
            " (select max(run_id) from ops.reconciliation)"
        ):
            yield f"{row['table_name']} is not explained at {row['station']}"


def _is_exported(play: Play) -> bool:
    return play.ended_at < EXPORT_UNTIL


def _key(play: Play) -> tuple[str, int]:
    if _is_exported(play):
        return "", play.ended_ms // 1000  # some rows of an export have lost their track
    return play.item_name if play.kind == "local" else play.item_id, play.played_ms // 1000
