"""Pages of three ranges, each with the truth of it."""

import json
from collections.abc import Iterator

import pytest

from pipelines.span import span, year
from sandbox.export import extended_rows
from sandbox.world import World
from tests.environment import Environment
from tests.pipelines.wrapped.reading import Page
from tests.pipelines.wrapped.truth import Heard, Truth, heard

RANGES = {
    "a year": (["--year", "2025"], year(2025)),
    "a summer": (["--from", "2025-06-10", "--to", "2025-08-20"], span("2025-06-10", "2025-08-20")),
    "one day": (["--from", "2025-03-12", "--to", "2025-03-12"], span("2025-03-12", "2025-03-12")),
}
FEATURES = "energy, valence, danceability, acousticness, instrumentalness, speechiness"


@pytest.fixture(scope="module")
def lived(built: Environment) -> Iterator[tuple[list[Heard], dict[str, list[str]], dict[str, dict[str, str]]]]:
    """All that the listener heard long enough, in the open; genres; what gold knows of tracks."""
    known = {
        row["track_id"]: row for row in built.ask(f"select track_id, recording_id, {FEATURES} from gold.dim_tracks")
    }
    world = World(built.data_dir / "sandbox")
    plays = [play for play in world.plays() if play.kind == "track" and not play.incognito and play.ms_played >= 30_000]
    named = {play.number for row, play, _ in extended_rows(world) if row["spotify_track_uri"]}
    genres = {artist.artist_id: json.loads(artist.genres) for artist in world.store.artists()}
    yield [heard(world, play, known, play.number in named) for play in plays], genres, known
    world.close()


@pytest.fixture(scope="module", params=RANGES)
def told(
    request: pytest.FixtureRequest,
    built: Environment,
    lived: tuple[list[Heard], dict[str, list[str]], dict[str, dict[str, str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Page, Truth]:
    """The page of a range, and the truth of it."""
    arguments, range_ = RANGES[request.param]
    file = tmp_path_factory.mktemp("wrapped") / "page.html"
    answer = built.run("wrapped", *arguments, "--output", str(file))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(file)
    ever, genres, known = lived
    now, before = ([play for play in ever if days.first <= play.on <= days.last] for days in (range_, range_.before))
    assert now, "a range without music tests nothing"
    return Page(file.read_text()), Truth(ever, now, before, genres, known, range_)
