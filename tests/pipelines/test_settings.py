"""Settings: environment over profile files over defaults, and a clear word for every wrong value."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import SURROUNDINGS

ROOT = Path(__file__).parents[2]
SHOW = """
import json, sys
from pipelines.settings import load
from sources.problem import Problem
try:
    settings = load()
except Problem as problem:
    print(json.dumps({"problem": str(problem), "exit_code": problem.exit_code})); sys.exit()
print(json.dumps({
    "profile": settings.profile, "timezone": settings.timezone, "data_dir": str(settings.data_dir),
    "lake": settings.lake.bucket_url, "warehouse": settings.warehouse.url, "sandbox": settings.uses_sandbox,
    "strategy": settings.catalog.tables["spotify_tracks"].strategy, "keep": settings.spotify_export.keep_place,
    "share": settings.min_play_share,
}))
"""


def resolved(**environment: str) -> dict[str, object]:
    """Settings as a fresh process sees them: dlt resolves its context once per process."""
    answer = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={**SURROUNDINGS, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_without_any_setting_everything_is_embedded(tmp_path: Path) -> None:
    found = resolved(LAKEHOUSE__DATA_DIR=str(tmp_path))
    assert found["profile"] == "dev"
    assert found["sandbox"] is True
    assert found["lake"] == str(tmp_path / "lake")
    assert found["warehouse"] == str(tmp_path / "warehouse.duckdb")


@pytest.mark.parametrize("profile", ["dev", "staging", "prod", "tests"])
def test_each_profile_has_a_data_folder_of_its_own(profile: str) -> None:
    found = resolved(WORKSPACE__PROFILE=profile)
    assert found["profile"] == profile
    assert str(found["data_dir"]).endswith(f".dlt/data/{profile}")


def test_the_sandbox_never_runs_in_prod_nor_beside_a_real_client() -> None:
    assert resolved(WORKSPACE__PROFILE="prod")["sandbox"] is False
    assert resolved(SOURCES__SPOTIFY_API__CLIENT_ID="someone")["sandbox"] is False


def test_environment_variables_win_and_are_typed(tmp_path: Path) -> None:
    found = resolved(
        LAKEHOUSE__DATA_DIR=str(tmp_path),
        LAKEHOUSE__TIMEZONE="Asia/Ho_Chi_Minh",
        LAKEHOUSE__MIN_PLAY_SHARE="0.5",
        SOURCES__SPOTIFY_EXPORT__KEEP_PLACE="true",
        SOURCES__CATALOG__SPOTIFY_TRACKS__STRATEGY="partition",
        DESTINATION__LAKE__BUCKET_URL="s3://bucket/prefix/",
    )
    assert found["timezone"] == "Asia/Ho_Chi_Minh"
    assert found["share"] == 0.5
    assert found["keep"] is True
    assert found["strategy"] == "partition"
    assert found["lake"] == "s3://bucket/prefix"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAKEHOUSE__TIMEZONE", "Mars/Olympus"),
        ("LAKEHOUSE__WEEK_START", "someday"),
        ("LAKEHOUSE__MIN_PLAY_SECONDS", "half a minute"),
        ("LAKEHOUSE__MIN_PLAY_SHARE", "1.5"),
        ("LAKEHOUSE__SESSION_GAP_MINUTES", "0"),
        ("SOURCES__CATALOG__SPOTIFY_TRACKS__STRATEGY", "guess"),
        ("LAKEHOUSE__MEMORY_LIMIT", "a lot"),
        ("SANDBOX__TRACKS", "-1"),
        ("SANDBOX__HABITS", "nobody's"),
    ],
)
def test_a_wrong_value_is_a_usage_problem_that_names_the_variable(variable: str, value: str) -> None:
    found = resolved(**{variable: value})
    assert found["exit_code"] == 2
    assert variable in str(found["problem"])


def test_dlt_and_its_log_are_not_named_after_the_folder_of_the_checkout() -> None:
    code = "from dlt.common.runtime.run_context import active; print(active().name)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "listening-lakehouse"
